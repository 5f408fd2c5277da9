import { embeddedLog } from 'millrace'
import type { Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { replayAll } from '../../src/dead-letters/replay-dead-letters.ts'
import { paymentsApp } from './payments-app.ts'

/**
 * A process to kill. `die-while-replaying.ts <embedded|kafka> <directory|brokers> <prefix> <before|after>` replays all
 * dead letters. At its second transaction it prints `now` and hangs: before the commit, when everything is written, or
 * after it, before it learns the outcome.
 */
const [kind, place, prefix, when] = process.argv.slice(2) as [string, string, string, 'before' | 'after']
const log: Log = kind === 'kafka' ? kafka({ brokers: place }) : await embeddedLog({ directory: place })
const { app, rejected } = paymentsApp(prefix)

const openClient = log.openClient.bind(log)
log.openClient = async (options) => {
  const client = await openClient(options)
  const commit = client.commit.bind(client)
  let commits = 0
  client.commit = async (offsets) => {
    if (++commits === 1) return commit(offsets)
    if (when === 'before') await client.producer.flush()
    else await commit(offsets)
    process.stdout.write('now')
    return new Promise(() => setInterval(() => {}, 1_000))
  }
  return client
}

await replayAll(
  app,
  log,
  rejected,
  {},
  () => {},
  (_id, error) => {
    throw error
  },
)
