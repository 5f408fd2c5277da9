import { MillraceError } from '../../errors/millrace-error.ts'
import { crc32c } from '../../platform/checksum.ts'
import { viewOf, type Run } from '../local/run.ts'

/**
 * The bytes of the trailer. A stored run is its records, then `offset - base u32` of each if compaction took some out,
 * then the trailer, little-endian: `count u32 | span u32 | greatest timestamp f64 | tombstones until f64 | flags u32 |
 * CRC-32C u32`, of all before it. It has a checksum if the engine does not verify those of its tables.
 */
export const TRAILER_BYTES = 32
const SPARSE = 1
/** The flag of a run with a checksum. */
const CHECKED = 2

/** Offsets that one run can cover. */
export const MAX_SPAN = 2 ** 31

/** A run that was stored. */
export interface StoredRun extends Run {
  /** Time (ms) after which compaction drops its tombstones; 0 until its first compaction. */
  readonly tombstonesUntil: number
}

/** Writes the trailer after a run that has room for it, and returns the bytes to store. */
export function sealRun(run: Run, checked: boolean, tombstonesUntil = 0): Buffer {
  const { view, deltas } = run
  let at = run.end
  if (deltas !== undefined) {
    for (const delta of deltas) {
      view.setUint32(at, delta, true)
      at += 4
    }
  }
  view.setUint32(at, run.count, true)
  view.setUint32(at + 4, run.span, true)
  view.setFloat64(at + 8, run.maxTimestamp, true)
  view.setFloat64(at + 16, tombstonesUntil, true)
  view.setUint32(at + 24, (deltas === undefined ? 0 : SPARSE) | (checked ? CHECKED : 0), true)
  view.setUint32(at + 28, checked ? crc32c(run.buffer.subarray(run.start, at + 28)) : 0, true)
  return run.buffer.subarray(run.start, at + TRAILER_BYTES)
}

/** Returns a run without records, whose offsets readers pass. @param span at most `MAX_SPAN` */
export function sealHole(base: number, span: number, checked: boolean): Buffer {
  const buffer = Buffer.alloc(TRAILER_BYTES)
  const deltas = new Uint32Array(0)
  const run: Run = { buffer, view: viewOf(buffer), start: 0, end: 0, base, count: 0, span, maxTimestamp: -1, deltas }
  return sealRun(run, checked)
}

/** @throws MR_CORRUPT_BATCH */
export function openRun(stored: Buffer, base: number): StoredRun {
  const view = viewOf(stored)
  const trailer = stored.length - TRAILER_BYTES
  if (trailer < 0) throw corrupt(base)
  const count = view.getUint32(trailer, true)
  const flags = view.getUint32(trailer + 24, true)
  const isSparse = (flags & SPARSE) !== 0
  if ((flags & CHECKED) !== 0 && crc32c(stored.subarray(0, trailer + 28)) !== view.getUint32(trailer + 28, true)) {
    throw corrupt(base)
  }
  const end = isSparse ? trailer - 4 * count : trailer
  if (end < 0) throw corrupt(base)
  let deltas: Uint32Array | undefined
  if (isSparse) {
    deltas = new Uint32Array(count)
    for (let i = 0; i < count; i++) deltas[i] = view.getUint32(end + 4 * i, true)
  }
  return {
    buffer: stored,
    view,
    start: 0,
    end,
    base,
    count,
    span: view.getUint32(trailer + 4, true),
    maxTimestamp: view.getFloat64(trailer + 8, true),
    tombstonesUntil: view.getFloat64(trailer + 16, true),
    deltas,
  }
}

function corrupt(offset: number): MillraceError {
  return new MillraceError('MR_CORRUPT_BATCH', 'a stored run of records is damaged', {
    offset,
    hint: 'The log directory is damaged. Restore it from a backup.',
  })
}
