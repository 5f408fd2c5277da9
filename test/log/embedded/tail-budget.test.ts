import { expect, test } from 'vitest'
import { TailBudget } from '../../../src/log/embedded/tail-budget.ts'
import { MemoryPartition } from '../../../src/log/local/partition-data.ts'
import { viewOf, type Run } from '../../../src/log/local/run.ts'

/** A tail that has room for ten runs of a kilobyte. */
const ROOM = 10 * (1_000 + 256)

function runIn(buffer: Buffer, start: number): Run {
  const place = { buffer, view: viewOf(buffer), start, end: start + 1_000 }
  return { ...place, base: -1, count: 1, span: 1, maxTimestamp: 0, deltas: undefined }
}

function append(partition: MemoryPartition, budget: TailBudget, run = runIn(Buffer.alloc(1_000), 0)): void {
  partition.append(run)
  budget.added(partition, run.end - run.start)
}

test('records that wait to be read stay in memory, however many before them were purged', () => {
  const [partition, budget] = [new MemoryPartition(), new TailBudget(ROOM)]
  let purgedTo = 0
  for (let offset = 0; offset < 100; offset++) {
    append(partition, budget)
    expect(partition.startOffset).toBe(purgedTo)
    if (offset % 4 === 3) partition.deleteBelow((purgedTo = offset - 3))
  }
})

test('the newest records stay in memory, whether or not they were written in one piece', () => {
  const [partition, budget] = [new MemoryPartition(), new TailBudget(ROOM)]
  const buffer = Buffer.alloc(8_000)
  for (let start = 0; start < 8_000; start += 1_000) append(partition, budget, runIn(buffer, start))
  for (let offset = 8; offset < 30; offset++) {
    append(partition, budget)
    expect(partition.startOffset).toBe(Math.max(0, offset - 9))
  }
})
