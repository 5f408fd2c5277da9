import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { embeddedLog } from 'millrace'
import { CliProcess, fixture } from './cli-process.ts'
import { counts, words } from './fixtures/words.ts'

const data = mkdtempSync(join(tmpdir(), 'millrace-terminals-'))
afterAll(() => rmSync(data, { recursive: true, force: true }))

/** The counts that were printed, sorted. */
function lines({ stdout }: CliProcess): string[] {
  return stdout.trimEnd().split('\n').sort()
}

test('consume, produce and run share an embedded log, and go on when the application is killed', async () => {
  const run = (): CliProcess => new CliProcess(['run', fixture('words.ts'), '--data', data])
  const log = await embeddedLog({ directory: join(data, 'log') })
  await log.createTopics([words, counts].map(({ name }) => ({ name, partitions: 2 })))
  await log.close()

  const producer = new CliProcess(['produce', words.name, '--data', data], {}, 'mill\nrace\n')
  const consumer = new CliProcess(['consume', counts.name, '--data', data, '--value', 'long', '--print-key'])
  await consumer.stderrMatches(/^reading counts/m)
  const killed = run()
  await consumer.stdoutMatches(/mill/)
  await consumer.stdoutMatches(/race/)
  killed.signal('SIGKILL')
  await killed.result()

  const next = run()
  await next.stderrMatches(/tasks assigned/)
  producer.type('mill\n')
  producer.endInput()
  expect(await producer.result()).toMatchObject({ code: 0 })
  await consumer.stdoutMatches(/mill\t2/)
  next.signal('SIGINT')
  expect(await next.result()).toMatchObject({ code: 0 })
  consumer.signal('SIGINT')
  expect(await consumer.result()).toMatchObject({ code: 0 })
  expect(lines(consumer)).toEqual(['mill\t1', 'mill\t2', 'race\t1'])
})
