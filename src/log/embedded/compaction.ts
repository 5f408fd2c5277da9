import { RECORD_HEADER_BYTES, recordBytes, viewOf, type Run } from '../local/run.ts'
import type { WriteBatch } from '../../engine/write-batch.ts'
import { compactionLagOf, tombstoneRetentionOf } from './cleanup-policy.ts'
import type { EmbeddedPartition } from './embedded-partition.ts'
import { sealRun, TRAILER_BYTES, type StoredRun } from './stored-run.ts'

/** Approximate bytes that one step reads. */
const STEP_BYTES = 1024 * 1024
/** Keys that one compaction remembers: it ends at the run in which there are more. */
const MAX_KEYS = 1_000_000

/**
 * One compaction of one partition, in steps of bounded work. It reads what has not been compacted and remembers the
 * last offset of each key. Then it rewrites the partition up to there without the records that a later one of the same
 * key replaces. Each rewriting step is one write: a stop between two of them loses nothing.
 */
export class Compaction {
  readonly partition: EmbeddedPartition
  readonly #now: number
  readonly #lastOffsets = new Map<string, number>()
  /** The offset at which the compacted part will end; -1 until all of it has been read. */
  #end = -1
  #at: number
  #retained = 0

  constructor(partition: EmbeddedPartition, now: number) {
    this.partition = partition
    this.#now = now
    this.#at = Math.max(partition.cleanedTo, partition.startOffset)
  }

  /** Does the next piece of work. Returns what is to be written, if anything; `done` after the last piece. */
  step(): { readonly write: ((batch: WriteBatch) => void) | undefined; readonly done: boolean } {
    if (this.#end < 0) {
      this.#readStep()
      return { write: undefined, done: false }
    }
    const write = this.#at < this.#end ? this.#rewriteStep() : undefined
    if (this.#at < this.#end) return { write, done: false }
    const partition = this.partition
    return {
      done: true,
      write: (batch) => {
        write?.(batch)
        partition.cleanedTo = this.#end
        partition.cleanedRecords = this.#retained
        partition.writeBounds(batch)
      },
    }
  }

  #readStep(): void {
    const partition = this.partition
    const lag = compactionLagOf(partition)
    const limit = lag === 0 ? Infinity : this.#now - lag
    const runs = partition.storedRuns(this.#at, STEP_BYTES)
    for (const run of runs) {
      const isLast = run.base >= partition.lastRunBase
      if (isLast || run.maxTimestamp > limit || this.#lastOffsets.size >= MAX_KEYS) return this.#beginRewriting()
      forEachRecord(run, (at, offset) => {
        const key = keyAt(run, at)
        if (key !== undefined) this.#lastOffsets.set(key, offset)
      })
      this.#at = run.base + run.span
    }
    if (runs.length === 0) this.#beginRewriting()
  }

  #beginRewriting(): void {
    this.#end = this.#at
    this.#at = this.partition.startOffset
  }

  #rewriteStep(): (batch: WriteBatch) => void {
    const partition = this.partition
    const runs = partition.storedRuns(this.#at, STEP_BYTES).filter((run) => run.base < this.#end)
    const [first, last] = [runs[0], runs.at(-1)]
    if (first === undefined || last === undefined) {
      this.#at = this.#end
      return () => {}
    }
    this.#at = last.base + last.span
    const merged = this.#merge(runs)
    return (batch) => {
      for (const run of runs) batch.delete(partition.runKey(run.base))
      if (merged !== undefined) batch.put(partition.runKey(merged.base), merged.bytes)
    }
  }

  /** Returns one run with what is left of these, undefined if nothing is left. */
  #merge(runs: readonly StoredRun[]): { readonly base: number; readonly bytes: Buffer } | undefined {
    const base = runs[0]!.base
    const total = runs.reduce((bytes, run) => bytes + run.end + 4 * run.count, TRAILER_BYTES)
    const buffer = Buffer.allocUnsafeSlow(total)
    const deltas: number[] = []
    let end = 0
    let maxTimestamp = -1
    let tombstonesUntil = 0
    const newTombstonesUntil = this.#now + tombstoneRetentionOf(this.partition)
    for (const run of runs) {
      forEachRecord(run, (at, offset, bytes) => {
        if (!this.#isKept(run, at, offset)) return
        end += run.buffer.copy(buffer, end, at, at + bytes)
        deltas.push(offset - base)
        maxTimestamp = Math.max(maxTimestamp, run.view.getFloat64(at, true))
        if (isTombstone(run, at)) tombstonesUntil = Math.max(tombstonesUntil, run.tombstonesUntil || newTombstonesUntil)
      })
    }
    this.#retained += deltas.length
    if (deltas.length === 0) return undefined
    const last = runs.at(-1)!
    const merged: Run = {
      buffer,
      view: viewOf(buffer),
      start: 0,
      end,
      base,
      count: deltas.length,
      span: last.base + last.span - base,
      maxTimestamp,
      deltas: Uint32Array.from(deltas),
    }
    return { base, bytes: sealRun(merged, this.partition.checked, tombstonesUntil) }
  }

  #isKept(run: StoredRun, at: number, offset: number): boolean {
    if (offset < this.partition.startOffset) return false
    const key = keyAt(run, at)
    if (key === undefined) return true
    const last = this.#lastOffsets.get(key)
    if (last !== undefined && last > offset) return false
    const isExpired = run.tombstonesUntil > 0 && run.tombstonesUntil <= this.#now
    return !isExpired || !isTombstone(run, at)
  }
}

function forEachRecord(run: Run, visit: (at: number, offset: number, bytes: number) => void): void {
  let at = run.start
  for (let i = 0; i < run.count; i++) {
    const bytes = recordBytes(run.view, at)
    visit(at, run.base + (run.deltas === undefined ? i : run.deltas[i]!), bytes)
    at += bytes
  }
}

function keyAt(run: Run, at: number): string | undefined {
  const length = run.view.getInt32(at + 8, true)
  const start = at + RECORD_HEADER_BYTES
  return length < 0 ? undefined : run.buffer.toString('latin1', start, start + length)
}

function isTombstone(run: Run, at: number): boolean {
  return run.view.getInt32(at + 12, true) < 0
}
