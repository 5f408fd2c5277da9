/**
 * What the code for queries costs while nobody asks: nanoseconds of CPU for each row that a commit logs, through what
 * keeps rows for readers and through the list of rows alone, and for the beginning of each slice of a thread, with and
 * without the look whether somebody asks. Beside it what the same row costs once somebody has asked.
 *
 *     node --conditions=millrace-source bench/micro/queries.ts
 */
import { RowList } from '../../src/engine/row-list.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { eventLoopScheduler } from '../../src/platform/scheduler.ts'
import { Slice } from '../../src/platform/slice.ts'
import { StagedRows } from '../../src/state/entries/staged-rows.ts'
import { NOT_STAGED } from '../../src/state/entries/state-entry.ts'
import { ReadableStores } from '../../src/runtime/thread/readable-stores.ts'

const ROWS = 10_000
const COMMITS = 300
const SLICES = 1_000_000
const ROUNDS = 9
const buffer = Buffer.alloc(64 * 1024)

function cpu(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) * 1000
}

/** Median of several rounds, of which the first do not count; ns for each. */
function measure(what: string, times: number, body: () => void): number {
  const spent: number[] = []
  for (let round = -2; round < ROUNDS; round++) {
    const start = cpu()
    body()
    if (round >= 0) spent.push((cpu() - start) / times)
  }
  const middle = spent.sort((a, b) => a - b)[ROUNDS >> 1] ?? Number.NaN
  console.log(`${what.padEnd(64)} ${middle.toFixed(2)} ns`)
  return middle
}

/** Commits that change the same rows again and again; every tenth hands them to the engine. */
function list(): void {
  const rows = new RowList()
  for (let commit = 0; commit < COMMITS; commit++) {
    const isNew = commit % 10 === 0
    if (isNew) rows.clear()
    for (let row = 0; row < ROWS; row++) {
      if (isNew) rows.add(buffer, row, row + 8, row + 40)
      else rows.replace(row, buffer, row, row + 8, row + 40)
    }
  }
}

function staged(isAsked: boolean): void {
  const rows = new StagedRows()
  if (isAsked) rows.observe()
  for (let commit = 0; commit < COMMITS; commit++) {
    const isNew = commit % 10 === 0
    if (isNew) rows.clear()
    rows.beginCommit()
    for (let row = 0; row < ROWS; row++) rows.stage(isNew ? NOT_STAGED : row, buffer, row, row + 8, row + 40)
    rows.committed()
  }
}

function slices(slice: Slice): void {
  for (let begun = 0; begun < SLICES; begun++) slice.begin()
}

const readable = new ReadableStores({
  clock: systemClock,
  global: () => undefined,
  tasks: () => [],
  lag: () => undefined,
  committedAt: () => 0,
  isMember: () => true,
})

const alone = measure('a logged row: the list of rows alone', ROWS * COMMITS, list)
const unasked = measure('a logged row: nobody asks', ROWS * COMMITS, () => staged(false))
measure('a logged row: somebody has asked', ROWS * COMMITS, () => staged(true))
const plain = new Slice(systemClock, eventLoopScheduler)
const looking = new Slice(systemClock, eventLoopScheduler, () => readable.areAsked)
const without = measure('a slice of 10 ms: its beginning', SLICES, () => slices(plain))
const withLook = measure('a slice of 10 ms: its beginning, with the look', SLICES, () => slices(looking))
console.log(`unused: ${(unasked - alone).toFixed(2)} ns a logged row, ${(withLook - without).toFixed(2)} ns a slice`)
