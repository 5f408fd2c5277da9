import { MillraceError } from '../../errors/millrace-error.ts'
import { recordBytes, type Run } from './run.ts'

/** The visible records of one partition. */
export interface PartitionData {
  /** Offset of the first record that may still be there. */
  readonly startOffset: number
  /** Offset that the next published record gets. */
  readonly endOffset: number
  /** Makes a run visible at the end and sets its `base`. */
  append(run: Run): void
  /** Adds to `into` the run that holds `offset` (or the first after it) and later ones, until they hold `maxBytes`. */
  readRuns(offset: number, maxBytes: number, into: Run[]): void
  /** Returns the offset of the first record with this timestamp or a later one; the end if there is none. */
  offsetForTime(timestamp: number): number
  /** Forgets the records below an offset that lies between start and end. */
  deleteBelow(offset: number): void
}

/** A partition held in memory: runs in offset order. */
export class MemoryPartition implements PartitionData {
  startOffset: number
  endOffset: number
  readonly #runs: Run[] = []

  constructor(offset = 0) {
    this.startOffset = this.endOffset = offset
  }

  append(run: Run): void {
    run.base = this.endOffset
    this.endOffset += run.span
    const last = this.#runs.at(-1)
    if (last !== undefined && continues(last, run)) {
      last.end = run.end
      last.count += run.count
      last.span += run.span
      if (run.maxTimestamp > last.maxTimestamp) last.maxTimestamp = run.maxTimestamp
    } else this.#runs.push(run)
  }

  /** Uses up an offset that no record will have. */
  addControlRecord(): void {
    this.endOffset++
  }

  readRuns(offset: number, maxBytes: number, into: Run[]): void {
    let bytes = 0
    for (let i = this.#indexOf(offset); i < this.#runs.length && bytes < maxBytes; i++) {
      const run = this.#runs[i]!
      bytes += run.end - run.start
      into.push(run)
    }
  }

  offsetForTime(timestamp: number): number {
    for (const run of this.#runs) {
      const offset = run.maxTimestamp < timestamp ? undefined : firstAtOrAfter(run, timestamp, this.startOffset)
      if (offset !== undefined) return offset
    }
    return this.endOffset
  }

  deleteBelow(offset: number): void {
    this.startOffset = offset
    this.#runs.splice(0, this.#indexOf(offset))
  }

  #indexOf(offset: number): number {
    let low = 0
    let high = this.#runs.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const run = this.#runs[middle]!
      if (run.base + run.span <= offset) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Returns the offset of the first record of the run, at `from` or after it, with this timestamp or a later one. */
export function firstAtOrAfter(run: Run, timestamp: number, from: number): number | undefined {
  let at = run.start
  for (let i = 0; i < run.count; i++) {
    const offset = run.base + (run.deltas === undefined ? i : run.deltas[i]!)
    if (offset >= from && run.view.getFloat64(at, true) >= timestamp) return offset
    at += recordBytes(run.view, at)
  }
  return undefined
}

/** @throws MR_OFFSET_OUT_OF_RANGE */
export function assertWithin(data: PartitionData, topic: string, partition: number, offset: number): void {
  if (offset >= data.startOffset && offset <= data.endOffset) return
  throw new MillraceError(
    'MR_OFFSET_OUT_OF_RANGE',
    `the partition holds the offsets ${data.startOffset} to ${data.endOffset}`,
    { topic, partition, offset, hint: 'Start from its first or its last offset.' },
  )
}

function continues(last: Run, run: Run): boolean {
  if (last.base + last.span !== run.base || last.deltas !== undefined || run.deltas !== undefined) return false
  return last.buffer === run.buffer && last.end === run.start
}
