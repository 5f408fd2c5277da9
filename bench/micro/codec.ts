import { BatchBuilder, stampBatch } from '../../src/kafka/records/batch-builder.ts'
import { crc32c } from '../../src/platform/checksum.ts'
import { readRecordSet } from '../../src/kafka/records/record-set.ts'
import type { Compression } from '../../src/kafka/records/codecs.ts'
import { RecordSlice } from '../../src/record/record-slice.ts'

// Nanoseconds per record of each step of the record path: 8-byte keys, 100-byte values, batches of 1 MiB.

const RECORDS = 1_000_000
const ROUNDS = 7
const BATCH_BYTES = 1 << 20
const place = { topic: 'bench', partition: 0 }

const source = Buffer.alloc(108)
source.write('key-0001', 0)
source.write(JSON.stringify({ account: 'key-0001', cents: 4711, note: 'x'.repeat(53) }).padEnd(100), 8)

function encode(compression: Compression): Buffer[] {
  const batches: Buffer[] = []
  let builder = new BatchBuilder(BATCH_BYTES)
  const close = () => {
    const batch = builder.close(compression, false)
    stampBatch(batch, 1, 0, 0)
    batches.push(batch)
    builder = new BatchBuilder(BATCH_BYTES)
  }
  const record = RecordSlice.of(0, source.subarray(0, 8), source.subarray(8), undefined)
  for (let index = 0; index < RECORDS; index++) {
    if (builder.length + BatchBuilder.bound(record) > BATCH_BYTES) close()
    builder.append(record, 1_700_000_000_000 + (index >> 3))
  }
  close()
  return batches
}

let sink = 0

function cursors(batches: readonly Buffer[]): void {
  for (const batch of batches) {
    for (const cursor of readRecordSet(place, batch, 0, [])) {
      while (cursor.next()) sink += cursor.keyStart + cursor.valueEnd + cursor.timestamp + cursor.offset
    }
  }
}

function measure(name: string, step: () => void): void {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const start = process.hrtime.bigint()
    step()
    times.push(Number(process.hrtime.bigint() - start) / RECORDS)
  }
  times.sort((a, b) => a - b)
  const [min, median, max] = [times[0]!, times[ROUNDS >> 1]!, times[ROUNDS - 1]!]
  console.log(
    `${name.padEnd(28)} ${min.toFixed(1).padStart(7)} ${median.toFixed(1).padStart(7)} ${max.toFixed(1).padStart(7)}`,
  )
}

console.log('ns per record'.padEnd(28) + '     min  median     max')
const plain = encode('none')
measure('checksum', () => {
  for (const batch of plain) sink += crc32c(batch)
})
measure('checksum and cursor', () => cursors(plain))
measure('encode and checksum', () => encode('none'))
for (const compression of ['zstd', 'lz4', 'snappy', 'gzip'] as const) {
  const batches = encode(compression)
  measure(`read ${compression}`, () => cursors(batches))
  measure(`write ${compression}`, () => encode(compression))
}
if (sink === 0) throw new Error('nothing was read')
