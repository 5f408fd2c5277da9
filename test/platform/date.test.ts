import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const src = join(import.meta.dirname, '../../src')

/** The files that read the date, and why. Everything that is waited for or measured goes by the monotonic clock. */
const READERS: Readonly<Record<string, string>> = {
  'cli/groups-command.ts': 'where a group is begun that is reset by duration',
  'cli/produce-command.ts': 'the timestamp of records that are written without one',
  'credentials/certificate-dates.ts': 'whether a certificate has expired',
  'client/topic-writer.ts': 'the timestamp of records that are written without one',
  'connect/append-one.ts': 'the timestamp of a pause, and of a position that is set',
  'connect/thread/sink-work.ts': 'where a topic with offsetReset by duration begins',
  'connect/thread/source-output.ts': 'the timestamp of a record that its source gives none',
  'connect/thread/source-work.ts': 'the timestamp of a position',
  'dead-letters/marks.ts': 'the timestamp of the mark of a replay',
  'kafka/transaction/transaction.ts': 'how long the machine slept, which the monotonic clock does not count',
  'log/embedded/log-cleaner.ts': 'how old records are, by their timestamps',
  'log/local/local-producer.ts': 'the timestamp of records in topics with LogAppendTime',
  'log/shared/attached-producers.ts': 'the stamp of the last batch of a producer, and how old it is',
  'platform/clock.ts': 'the date itself',
  'operators/process/user-context.ts': 'currentSystemTime() of processors',
  'log/backup/back-up-log.ts': 'when a copy was made',
  'runtime/instance-metrics.ts': 'when a snapshot was taken',
  'runtime/thread/global-tables.ts': 'checkpoints, and how old they are',
  'runtime/task/idle-time.ts': 'the bound that the time of idle partitions may not pass',
  'runtime/node/punctuation.ts': 'the stamp and the anchors of wall-clock punctuation',
  'runtime/restore/restorer.ts': 'checkpoints',
  'runtime/node/task-context.ts': 'currentSystemTime() of processors',
  'runtime/thread/stream-thread.ts': 'how old records are, by their timestamps, for the metrics',
  'runtime/thread/task-manager.ts': 'where a topic is begun that is reset by duration',
  'runtime/thread/task-opening.ts': 'how old checkpoints are',
  'runtime/commit/commit.ts': 'checkpoints',
  'runtime/traces/task-traces.ts': 'when the span of a slow node ended',
  'server/routes/topics/given-records.ts': 'the timestamp of records that are written without one',
  'testing/driver-parts.ts': "where the driver's clock begins",
  'testing/topology-test-driver.ts': 'the timestamp of records that are written without one',
}

test('the date is read for records, stamps and checkpoints only', () => {
  const readers = readdirSync(src, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.ts') && /(?:[cC]lock|context|Date)\.now\(\)/.test(codeOf(file)))
  expect(readers.toSorted()).toEqual(Object.keys(READERS).toSorted())
})

function codeOf(file: string): string {
  return readFileSync(join(src, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
}
