import type { LocalPartition } from '../local/local-topic.ts'
import { RECORD_HEADER_BYTES, recordBytes, viewOf, type Run } from '../local/run.ts'
import { placeOf, type RunPlace } from '../local/run-cursor.ts'
import type { StagedRun } from '../local/staged-commit.ts'
import type { Frame } from './frames.ts'
import type { TopicMessage } from './held-calls.ts'

/** Records of a producer, in the order in which they are to be written. Behind each run is room for its trailer. */
export interface BatchMessage {
  readonly producer: string
  /** Counts the batches of the producer. */
  readonly number: number
  readonly runs: readonly SentRun[]
}

/** What a producer learns when its batch is written. */
export interface WrittenMessage {
  /** The offset of the first record of each run; undefined if an earlier holder wrote the batch. */
  readonly bases: readonly number[] | undefined
  /** The topics as they are now: they may have been altered. */
  readonly topics: readonly TopicMessage[]
}

export interface SentRun {
  readonly topic: string
  readonly partition: number
  readonly count: number
  readonly maxTimestamp: number
  readonly bytes: number
}

/** Returns the runs as they are sent. The room behind each is cleared: it may hold anything. */
export function batchParts(runs: readonly StagedRun[], trailerBytes: number): Buffer[] {
  return runs.map(({ run: { buffer, start, end } }) => {
    buffer.fill(0, end, end + trailerBytes)
    return buffer.subarray(start, end + trailerBytes)
  })
}

export function sentRun({ partition: { topic, partition }, run }: StagedRun): SentRun {
  return { topic, partition, count: run.count, maxTimestamp: run.maxTimestamp, bytes: run.end - run.start }
}

/**
 * Returns the runs of a batch, in the memory of its frame.
 *
 * @param find returns the partition, or throws if there is none
 * @throws RangeError if the bytes are not the records that they are said to be
 */
export function runsOf(
  { runs }: BatchMessage,
  { buffer, payload }: Frame,
  trailerBytes: number,
  find: (topic: string, partition: number) => LocalPartition,
): StagedRun[] {
  const view = viewOf(buffer)
  let start = payload
  const staged = runs.map(({ topic, partition, count, maxTimestamp, bytes }) => {
    const end = start + bytes
    if (end + trailerBytes > buffer.length) throw new RangeError('a batch is cut')
    requireRecords(view, start, end, count)
    const run: Run = { buffer, view, start, end, base: -1, count, span: count, maxTimestamp, deltas: undefined }
    start = end + trailerBytes
    return { partition: find(topic, partition), run }
  })
  if (start !== buffer.length) throw new RangeError('a batch is longer than its records')
  return staged
}

function requireRecords(view: DataView, start: number, end: number, count: number): void {
  let at = start
  for (let i = 0; i < count; i++) {
    if (at + RECORD_HEADER_BYTES > end || view.getInt32(at + 16, true) < 0) throw new RangeError('a record is cut')
    at += recordBytes(view, at)
  }
  if (at !== end || count === 0) throw new RangeError('a run has other bytes than its records')
}

/** Records of one partition on their way to a reader. */
export interface PageMessage {
  /** The offset of the next record that the partition gets. */
  readonly end: number
  /** The offset after this page. */
  readonly next: number
  readonly runs: readonly PageRun[]
}

interface PageRun {
  readonly base: number
  count: number
  span: number
  bytes: number
  /** Each record's offset minus `base`, if some are missing between them. */
  readonly deltas?: readonly number[]
}

export interface Page {
  readonly message: PageMessage
  readonly parts: readonly Buffer[]
  /** Where the page ended, so that a run that grows is not searched from its start again. */
  readonly reached: RunPlace | undefined
}

/**
 * Reads a page of a partition from `offset` on.
 *
 * @param reached the place of this offset, if it is known from the page before
 */
export function readPage(
  { data }: LocalPartition,
  offset: number,
  maxBytes: number,
  reached: RunPlace | undefined,
): Page {
  const found: Run[] = []
  data.readRuns(offset, maxBytes, found)
  const runs: PageRun[] = []
  const parts: Buffer[] = []
  for (const run of found) {
    const { at, index } = reached?.run === run ? reached : beginning(run, offset)
    if (index < run.count) addRun(runs, run, index, run.end - at)
    if (at < run.end) parts.push(run.buffer.subarray(at, run.end))
  }
  const last = found.at(-1)
  const message = { end: data.endOffset, next: last === undefined ? data.endOffset : last.base + last.span, runs }
  return { message, parts, reached: last && { run: last, at: last.end, index: last.count } }
}

function beginning(run: Run, offset: number): RunPlace {
  return offset <= run.base ? { run, at: run.start, index: 0 } : placeOf(run, offset)
}

/** Adds the rest of a run, to the one before it if there is nothing between them. */
function addRun(runs: PageRun[], run: Run, index: number, bytes: number): void {
  const base = run.base + (run.deltas === undefined ? index : run.deltas[index]!)
  const count = run.count - index
  const span = run.base + run.span - base
  const last = runs.at(-1)
  if (run.deltas !== undefined) {
    const first = run.deltas[index]!
    runs.push({ base, count, span, bytes, deltas: Array.from(run.deltas.subarray(index), (delta) => delta - first) })
  } else if (last !== undefined && last.deltas === undefined && last.base + last.span === base) {
    last.count += count
    last.span += span
    last.bytes += bytes
  } else runs.push({ base, count, span, bytes })
}

/** Returns the runs of a page, in the memory of its frame. */
export function pageRuns({ runs }: PageMessage, { buffer, payload }: Frame): Run[] {
  const view = viewOf(buffer)
  let start = payload
  return runs.map(({ base, count, span, bytes, deltas }) => {
    const run: Run = {
      buffer,
      view,
      start,
      end: start + bytes,
      base,
      count,
      span,
      maxTimestamp: -1,
      deltas: deltas && Uint32Array.from(deltas),
    }
    start = run.end
    return run
  })
}
