import { expect, test } from 'vitest'
import { Fetcher } from '../../src/kafka/fetch/fetcher.ts'
import type { FetchRequest, FetchResponse, FetchedPartition } from '../../src/kafka/fetch/fetch-api.ts'
import { readTo } from './record-path.ts'
import { batchOf } from './records/batches.ts'
import { ScriptedCluster, fetched } from './scripted-cluster.ts'

const PARTITIONS = 20
const BATCHES = 30
const log = Array.from({ length: BATCHES }, (_, offset) => batchOf(['x'.repeat(10_000)], { baseOffset: offset }))

/** Serves up to `maxBytes`, but at least one batch, as a broker does. */
function serve({ topics, maxBytes, partitionMaxBytes }: FetchRequest): FetchResponse | Promise<FetchResponse> {
  const partitions: FetchedPartition[] = []
  let sent = 0
  for (const { partition, fetchOffset } of topics.get('t') ?? []) {
    const records: Buffer[] = []
    let bytes = 0
    for (const batch of log.slice(fetchOffset)) {
      const fits = sent + bytes + batch.length <= maxBytes && bytes + batch.length <= partitionMaxBytes
      if (!fits && sent + bytes > 0) break
      records.push(batch)
      bytes += batch.length
    }
    sent += bytes
    if (bytes > 0) partitions.push(fetched(partition, { lastStableOffset: BATCHES, records: Buffer.concat(records) }))
  }
  return partitions.length === 0 ? new Promise(() => undefined) : { errorCode: 0, partitions }
}

test('what is fetched and not taken stays within its bound, whatever a broker could send', async () => {
  const bufferBytes = 1 << 20
  let most = 0
  const cluster = new ScriptedCluster({
    fetch: async (request) => {
      await new Promise((resolve) => setTimeout(resolve, 1))
      most = Math.max(most, reader.bufferedBytes)
      return serve(request)
    },
  })
  const reader = new Fetcher(cluster, { bufferBytes })
  for (let partition = 0; partition < PARTITIONS; partition++) reader.assign('t', partition, 0)
  for (let same = 0, before = -1; same < 20; same = before === reader.bufferedBytes ? same + 1 : 0) {
    before = reader.bufferedBytes
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  expect(reader.bufferedBytes).toBeGreaterThan(bufferBytes / 2)
  // Without room a response may bring 64 KiB, and a batch more.
  expect(reader.bufferedBytes).toBeLessThan(bufferBytes + 2 * 75_000)

  const read = await readTo(
    reader,
    Array.from({ length: PARTITIONS }, (_, partition) => ['t', partition, BATCHES] as const),
  )
  expect([...read.values()].map((records) => records.length)).toEqual(Array(PARTITIONS).fill(BATCHES))
  expect(most).toBeLessThan(bufferBytes + 2 * 75_000)
  expect(reader.bufferedBytes).toBe(0)
  reader.close()
})
