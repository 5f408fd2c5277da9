import { crc32c } from '../../platform/checksum.ts'

/** The result of reading a journal from its start. */
export interface JournalCheck {
  /** Offset of the first record whose checksum is wrong; undefined: none. */
  readonly damagedAt: number | undefined
  /** True: a right record begins after the damage, so the damage is not the end of an interrupted write. */
  readonly goesOn: boolean
  /** True: the file ends within a record. */
  readonly isTorn: boolean
}

const BLOCK = 32_768
const HEADER = 7
/** Bytes of the header of types 5 to 8, 11 and 131, which also hold the number of their log. */
const LONG_HEADER = 11
const FULL = 1
const FIRST = 2
const RECYCLED_FULL = 5
const RECYCLED_FIRST = 6

type Found = 'right' | 'wrong' | 'torn' | 'nothing'

/**
 * Checks the records of a write-ahead log or a manifest. LevelDB and RocksDB write both in one form: blocks of 32 KiB
 * that hold fragments of `masked CRC-32C u32 | length u16 | type u8 | payload`, none across two blocks. When they read
 * a log themselves, RocksDB silently takes damage for the end, and LevelDB silently goes on after it.
 *
 * Source: LevelDB's `doc/log_format.md`; RocksDB's wiki, "Write Ahead Log File Format".
 */
export function checkJournal(file: Buffer): JournalCheck {
  let damagedAt: number | undefined
  let at = 0
  while (at + HEADER <= file.length) {
    const blockEnd = at - (at % BLOCK) + BLOCK
    if (blockEnd - at < HEADER) {
      at = blockEnd
      continue
    }
    const found = fragmentAt(file, at, blockEnd)
    if (found === 'right') {
      if (damagedAt !== undefined && begins(file, at)) return { damagedAt, goesOn: true, isTorn: false }
      at = endOf(file, at)
    } else if (found === 'torn' && damagedAt === undefined && !beginsBehind(file, at, blockEnd)) {
      return { damagedAt, goesOn: false, isTorn: true }
    } else {
      if (found !== 'nothing') damagedAt ??= at
      if (damagedAt !== undefined && beginsBehind(file, at, blockEnd)) return { damagedAt, goesOn: true, isTorn: false }
      at = blockEnd
    }
  }
  return { damagedAt, goesOn: false, isTorn: at < file.length }
}

function fragmentAt(file: Buffer, at: number, blockEnd: number): Found {
  const end = endOf(file, at)
  // This is preallocated room, or the rest of a block.
  if (file[at + 6] === 0 && end === at + HEADER && file.readUInt32LE(at) === 0) return 'nothing'
  if (end > blockEnd) return 'wrong'
  if (end > file.length) return 'torn'
  return masked(crc32c(file.subarray(at + 6, end))) === file.readUInt32LE(at) ? 'right' : 'wrong'
}

/** True if a record with a right checksum begins after this place in the block: a damaged length says nothing. */
function beginsBehind(file: Buffer, at: number, blockEnd: number): boolean {
  for (let next = at + 1; next + HEADER <= Math.min(blockEnd, file.length); next++) {
    if (begins(file, next) && fragmentAt(file, next, blockEnd) === 'right') return true
  }
  return false
}

function begins(file: Buffer, at: number): boolean {
  const type = file[at + 6]
  return type === FULL || type === FIRST || type === RECYCLED_FULL || type === RECYCLED_FIRST
}

function endOf(file: Buffer, at: number): number {
  const type = file[at + 6]!
  const isLong = (type >= RECYCLED_FULL && type <= 8) || type === 11 || type === 131
  return at + (isLong ? LONG_HEADER : HEADER) + file.readUInt16LE(at + 4)
}

/** Masks a checksum as both engines do: a checksum over bytes that hold plain checksums would be weak. */
function masked(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
