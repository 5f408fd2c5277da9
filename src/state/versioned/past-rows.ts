import type { EngineIterator, KeyValueEngine } from '../../engine/engine.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import type { VersionedLayout } from './versioned-layout.ts'

/** Takes the row of a past version from the engine's iterator, which stands at it. */
export type SeePastRow = (row: EngineIterator, segment: number) => void

/** Scans the past versions of one key that the engine has in these segments, the oldest segment first. */
export function scanPast(
  engine: KeyValueEngine,
  layout: VersionedLayout,
  writer: ByteWriter,
  key: Buffer,
  { first, last }: { readonly first: number; readonly last: number },
  see: SeePastRow,
): void {
  for (let segment = first; segment <= last; segment++) {
    const keyEnd = layout.pastSpace(writer.rewind(), segment).bytes(key).position
    const gte = writer.copyOfRow()
    const iterator = engine.iterate({ gte, lt: writer.int64(Number.MAX_SAFE_INTEGER).copyOfRow() })
    try {
      while (iterator.next()) {
        // A longer key may begin with this one and look as if a time followed it.
        if (iterator.key.length === keyEnd + 8) see(iterator, segment)
      }
    } finally {
      iterator.close()
    }
  }
}
