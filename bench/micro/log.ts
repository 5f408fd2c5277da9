import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { PartitionMap } from '../../src/log/log.ts'
import type { Log, RecordCursor } from '../../src/log/log.ts'
import { memoryLog } from '../../src/log/memory/memory-log.ts'
import { RecordSlice } from '../../src/record/record-slice.ts'

/**
 * Rates of the local logs, one core: `node bench/micro/log.ts [records]`. Keys of 10 bytes, values of 110 bytes, 4
 * partitions, one commit every 10 000 records.
 */
const RECORDS = Number(process.argv[2] ?? 1_000_000)
const PARTITIONS = 4
const COMMIT_EVERY = 10_000

async function measure(name: string, open: () => Promise<Log>, reopen?: () => Promise<Log>): Promise<void> {
  let log = await open()
  await log.createTopics([{ name: 'bench', partitions: PARTITIONS }])
  const client = await log.openClient({
    guarantee: 'exactly_once',
    clientId: 'bench-1',
    transactionalId: 'bench-1',
    groupId: 'bench',
    processId: 'bench',
    subtopologies: [],
    rebalanceTimeout: 10_000,
    standbyReplicas: 0,
  })
  const slice = new RecordSlice()
  const record = (slice.buffer = Buffer.alloc(120, 'x'))
  slice.setKey(0, 10)
  slice.setValue(10, 120)
  let started = performance.now()
  for (let i = 0; i < RECORDS; i++) {
    record.writeUInt32LE(i % 100_000, 0)
    slice.timestamp = i
    client.producer.append('bench', i % PARTITIONS, slice)
    if ((i + 1) % COMMIT_EVERY === 0) await client.commit(new PartitionMap())
  }
  await client.commit(new PartitionMap())
  report(`${name}: append + commit`, started)
  if (reopen !== undefined) {
    await log.close()
    log = await reopen()
  }

  const reader = log.openReader()
  for (let partition = 0; partition < PARTITIONS; partition++) reader.assign('bench', partition, 0)
  let read = 0
  let sum = 0
  const receive = (_topic: string, _partition: number, cursor: RecordCursor): void => {
    while (cursor.next()) {
      read++
      sum += cursor.timestamp + cursor.buffer[cursor.keyStart]! + cursor.buffer[cursor.valueEnd - 1]!
    }
  }
  started = performance.now()
  while (reader.poll(receive) > 0);
  report(`${name}: read${reopen === undefined ? '' : ' (reopened)'}`, started)
  if (read !== RECORDS || sum === 0) throw new Error(`read ${read} records`)
  await log.close()
}

function report(what: string, started: number): void {
  const micros = ((performance.now() - started) * 1000) / RECORDS
  console.log(`${what.padEnd(44)} ${micros.toFixed(3)} us/record  ${Math.round(1e6 / micros).toLocaleString('en')} /s`)
}

const directory = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
try {
  for (let round = 0; round < 2; round++) await measure('memory', async () => memoryLog())
  for (const engine of ['rocksdb', 'level'] as const) {
    for (const fsync of [true, false]) {
      const where = join(directory, `${engine}-${fsync}`)
      const open = (): Promise<Log> => embeddedLog({ directory: where, engine, fsync })
      await measure(`embedded ${engine}${fsync ? '' : ' fsync: false'}`, open, open)
    }
  }
} finally {
  rmSync(directory, { recursive: true, force: true })
}
