import { readLong, writeLong } from '../../serde/big-endian.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import type { KeyCodec } from '../codecs.ts'
import { PREFIX_LENGTH } from '../environment.ts'
import type { RowForm } from '../key-value/key-value-cursor.ts'
import { Version, type History } from './version.ts'

const LATEST = 0
const PAST = 1
const TOMBSTONE = 2
const SPACE_END = PREFIX_LENGTH + 1
const LONG = 8
const VALUE = LONG + 1

/** Latest versions as scans see them. */
export const LATEST_ROW: RowForm = {
  keyOffset: SPACE_END,
  valueOffset: VALUE,
  timestamped: true,
  isTombstone: (row) => row[LONG] === 0,
}

/**
 * Rows of versioned stores. Latest: `prefix ‖ 0 ‖ key` → `validFrom(8) ‖ present(1) ‖ value`. Past: `prefix ‖ 1 ‖
 * segment(validTo)(8) ‖ key ‖ validFrom(8)` → `validTo(8) ‖ present(1) ‖ value`. Keys whose latest version is a
 * tombstone, to delete them in time: `prefix ‖ 2 ‖ segment(validFrom)(8) ‖ key` → nothing.
 */
export class VersionedLayout {
  readonly #prefix: number

  constructor(prefix: number) {
    this.#prefix = prefix
  }

  latestSpace(writer: ByteWriter): ByteWriter {
    return this.#space(writer, LATEST)
  }

  latestSpaceEnd(writer: ByteWriter): ByteWriter {
    return this.#space(writer, LATEST + 1)
  }

  latest<K>(writer: ByteWriter, keys: KeyCodec<K>, history: History<K, unknown>): ByteWriter {
    return this.#key(this.latestSpace(writer), keys, history)
  }

  pastSpace(writer: ByteWriter, segment: number): ByteWriter {
    return this.#space(writer, PAST).int64(segment)
  }

  /** Writes the key without the start of its validity, which must follow. */
  past<K>(writer: ByteWriter, segment: number, keys: KeyCodec<K>, history: History<K, unknown>): ByteWriter {
    return this.#key(this.pastSpace(writer, segment), keys, history)
  }

  tombstoneSpace(writer: ByteWriter, segment: number): ByteWriter {
    return this.#space(writer, TOMBSTONE).int64(segment)
  }

  tombstone<K>(writer: ByteWriter, segment: number, keys: KeyCodec<K>, history: History<K, unknown>): ByteWriter {
    return this.#key(this.tombstoneSpace(writer, segment), keys, history)
  }

  keyOfTombstone(row: Buffer): Buffer {
    return row.subarray(SPACE_END + LONG)
  }

  readLatest<V>(row: Buffer): Version<V> {
    return versionOf(readLong(row, 0), row)
  }

  readPast<V>(key: Buffer, row: Buffer, segment: number): Version<V> {
    const version: Version<V> = versionOf(readLong(key, key.length - LONG), row)
    version.storedSegment = segment
    return version
  }

  #space(writer: ByteWriter, space: number): ByteWriter {
    return writer.int16(this.#prefix).byte(space)
  }

  #key<K>(writer: ByteWriter, keys: KeyCodec<K>, history: History<K, unknown>): ByteWriter {
    keys.writeAs(history.key, history.mapKey, writer)
    return writer
  }
}

/** A version as a reader sees it; `value` null: a deletion. */
export interface SeenVersion {
  readonly from: number
  readonly value: Buffer | null
}

/** Returns the row of a latest version. */
export function latestRow({ from, value }: SeenVersion): Buffer {
  const row = Buffer.allocUnsafe(VALUE + (value?.length ?? 0))
  writeLong(from, row, 0)
  row[LONG] = value === null ? 0 : 1
  value?.copy(row, VALUE)
  return row
}

/** Returns the version of the row of a latest version. */
export function latestVersion(row: Buffer): SeenVersion {
  return { from: readLong(row, 0), value: LATEST_ROW.isTombstone(row) ? null : row.subarray(LATEST_ROW.valueOffset) }
}

/** Returns the version of the row of a past one. */
export function pastVersion(key: Buffer, row: Buffer): SeenVersion {
  return { from: readLong(key, key.length - LONG), value: row[LONG] === 1 ? row.subarray(VALUE) : null }
}

function versionOf<V>(from: number, row: Buffer): Version<V> {
  const version = new Version<V>(from)
  version.stored = true
  if (row[LONG] === 1) version.bytes = row.subarray(VALUE)
  return version
}
