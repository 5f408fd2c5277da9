import { MillraceError } from '../../../src/errors/millrace-error.ts'
import { embeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import { PartitionMap } from '../../../src/log/log.ts'
import type { CommittedOffset } from '../../../src/log/log.ts'
import type { EngineName } from '../../../src/engine/engine.ts'
import { append, clientOptions, subtopology } from '../log-harness.ts'

/**
 * A process to kill. `commit-forever.ts <engine> <directory>` goes on from its committed offset, appends record i to
 * partition i % 3 in commits of uneven size, and prints each committed offset, or the code of the error with which
 * opening fails.
 */
const [engine, directory] = process.argv.slice(2) as [EngineName, string]
try {
  const log = await embeddedLog({ directory, engine, fsync: false, attach: false })
  await log.createTopics([
    { name: 'input', partitions: 1 },
    { name: 'output', partitions: 3 },
  ])
  const client = await log.openClient(clientOptions('app', 1, [subtopology(0, ['input'])]))
  const found = (await client.committed([{ topic: 'input', partition: 0 }])).get('input', 0)
  let next = found?.offset ?? 0
  while (true) {
    for (let size = 1 + (next % 17); size > 0; size--, next++) {
      append(client.producer, 'output', next % 3, `key-${next}`, 'v'.repeat(next % 500), next)
    }
    const offsets = new PartitionMap<CommittedOffset>().set('input', 0, { offset: next, metadata: `at ${next}` })
    await client.commit(offsets)
    process.stdout.write(`${next}\n`)
  }
} catch (error) {
  process.stdout.write(error instanceof MillraceError ? error.code : String(error))
}
