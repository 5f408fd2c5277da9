import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MillraceError } from '../../errors/millrace-error.ts'
import { directoryFailure } from '../../platform/directory-failure.ts'
import { crc32c } from '../../platform/checksum.ts'
import { DAMAGE_HINT } from '../files/engine-failure.ts'

const TABLE = /^\d+\.(ldb|sst)$/
const FOOTER = 48
const MAGIC = 0xdb4775248b80fb57n
/** Bytes after each block: its type, and the masked CRC-32C of both. */
const TRAILER = 5
const UNCOMPRESSED = 0
/** A number that is no type of a block. */
const NO_TYPE = 0xff

interface Block {
  readonly offset: number
  readonly size: number
}

/**
 * Checks every block of LevelDB's tables. The binding reads without verifying checksums: a flipped bit in a row, an
 * index or a filter would give a wrong value, or hide a row.
 *
 * Source: LevelDB's `doc/table_format.md`.
 *
 * @throws MR_STATE_CORRUPT; what `directoryFailure` returns
 */
export async function requireSoundTables(directory: string): Promise<void> {
  let damage: string | undefined
  await forEachTable(directory, (name, table) => {
    const [damaged] = damagedBlocks(table)
    if (damaged !== undefined) damage ??= `${name} is damaged at byte ${damaged.offset}`
  })
  if (damage === undefined) return
  throw new MillraceError('MR_STATE_CORRUPT', `level found damage in ${directory}: ${damage}`, {
    hint: DAMAGE_HINT,
  })
}

/**
 * Makes LevelDB fail on reading a block whose checksum is wrong: the block gets a type that does not exist. LevelDB
 * ignores a filter with such a type. An index stays unchanged: without it, nothing of its table could be found.
 *
 * @param directory a copy; tables that share their bytes with other names are replaced
 * @throws what `directoryFailure` returns
 */
export async function sealDamagedBlocks(directory: string): Promise<void> {
  await forEachTable(directory, async (name, table) => {
    const damaged = damagedBlocks(table).filter(({ isIndex, offset, size }) => !isIndex && offset + size < table.length)
    if (damaged.length === 0) return
    for (const { offset, size } of damaged) table[offset + size] = NO_TYPE
    await writeFile(join(directory, `${name}.sealed`), table)
    await rename(join(directory, `${name}.sealed`), join(directory, name))
  })
}

async function forEachTable(
  directory: string,
  visit: (name: string, table: Buffer) => Promise<void> | void,
): Promise<void> {
  try {
    for (const name of await readdir(directory)) {
      const table = TABLE.test(name) ? await contentOf(join(directory, name)) : undefined
      if (table !== undefined) await visit(name, table)
    }
  } catch (cause) {
    throw directoryFailure('level', directory, cause)
  }
}

/** Reads a file; undefined if a compaction has deleted it meanwhile. */
async function contentOf(file: string): Promise<Buffer | undefined> {
  try {
    return await readFile(file)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** Returns the blocks that have a wrong checksum or exceed the file. */
function damagedBlocks(table: Buffer): (Block & { readonly isIndex: boolean })[] {
  const footer = table.length - FOOTER
  // A table that a compaction was writing at the close has no footer, and is never read. LevelDB itself detects a
  // missing footer in a table that it reads.
  if (footer < 0 || table.readBigUInt64LE(table.length - 8) !== MAGIC) return []
  const reader = new VarintReader(table, footer)
  const metaIndex = reader.block()
  const index = reader.block()
  return [metaIndex, index].flatMap((described) => {
    if (!isSound(table, described)) return [{ ...described, isIndex: described === index }]
    const blocks = blocksIn(table, described).filter((block) => !isSound(table, block))
    return blocks.map((block) => ({ ...block, isIndex: false }))
  })
}

function isSound(table: Buffer, { offset, size }: Block): boolean {
  const end = offset + size
  if (end + TRAILER > table.length) return false
  const crc = crc32c(table.subarray(offset, end + 1))
  const masked = (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
  return masked === table.readUInt32LE(end + 1)
}

/** Returns the blocks to which a sound block of handles points. */
function blocksIn(table: Buffer, { offset, size }: Block): Block[] {
  const end = offset + size
  if (table[end] !== UNCOMPRESSED || size < 4) return []
  const entriesEnd = end - 4 - 4 * table.readUInt32LE(end - 4)
  const reader = new VarintReader(table, offset)
  const blocks: Block[] = []
  while (reader.at < entriesEnd) {
    reader.varint()
    const keyLength = reader.varint()
    const valueLength = reader.varint()
    const value = reader.at + keyLength
    reader.at = value
    blocks.push(reader.block())
    reader.at = value + valueLength
  }
  return blocks
}

class VarintReader {
  readonly #bytes: Buffer
  at: number

  constructor(bytes: Buffer, at: number) {
    this.#bytes = bytes
    this.at = at
  }

  block(): Block {
    return { offset: this.varint(), size: this.varint() }
  }

  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.at++]
      if (byte === undefined) return Number.MAX_SAFE_INTEGER
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
}
