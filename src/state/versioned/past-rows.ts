import type { EngineIterator, KeyValueEngine } from '../../engine/engine.ts'
import { writeLong } from '../../serde/big-endian.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import type { VersionedLayout } from './versioned-layout.ts'

/** Takes the row of a past version from the engine's iterator, which stands at it. True: it is the last one wanted. */
export type SeePastRow = (row: EngineIterator, segment: number) => boolean | void

export interface PastRange {
  /** Segments. */
  readonly first: number
  readonly last: number
  /** Versions that were replaced before this time may be left out. */
  readonly from?: number
}

/** Scans the past versions of one key that the engine has in these segments, the oldest first. */
export function scanPast(
  engine: KeyValueEngine,
  layout: VersionedLayout,
  writer: ByteWriter,
  key: Buffer,
  { first, last, from = 0 }: PastRange,
  see: SeePastRow,
): void {
  for (let segment = first; segment <= last; segment++) {
    const keyEnd = layout.pastSpace(writer.rewind(), segment).bytes(key).position
    const begin = writer.copyOfRow()
    const lt = writer.int64(Number.MAX_SAFE_INTEGER).copyOfRow()
    const iterator = engine.iterate({ gte: from > 0 ? validAt(engine, begin, from) : begin, lt })
    try {
      while (iterator.next()) {
        // A longer key may begin with this one and look as if a time followed it.
        if (iterator.key.length === keyEnd + LONG && see(iterator, segment) === true) return
      }
    } finally {
      iterator.close()
    }
  }
}

const LONG = 8

/** Returns the key of the last version of a segment that begins up to `time`; `begin` if there is none. */
function validAt(engine: KeyValueEngine, begin: Buffer, time: number): Buffer {
  const after = Buffer.alloc(begin.length + LONG)
  begin.copy(after)
  writeLong(Math.min(time, Number.MAX_SAFE_INTEGER - 1) + 1, after, begin.length)
  const iterator = engine.iterate({ gte: begin, lt: after, reverse: true })
  try {
    while (iterator.next()) if (iterator.key.length === after.length) return Buffer.from(iterator.key)
    return begin
  } finally {
    iterator.close()
  }
}
