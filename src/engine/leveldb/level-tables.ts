import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { MillraceError } from '../../errors/millrace-error.ts'
import { directoryFailure } from '../../platform/directory-failure.ts'
import { crc32c } from '../../platform/checksum.ts'
import { DAMAGE_HINT } from '../files/engine-failure.ts'
import { ifThere, isMissing } from '../../platform/if-there.ts'

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
  if (damage !== undefined) throw damageFound(directory, damage)
}

/**
 * Checks the index of every table: LevelDB ends the process at an entry that makes no sense.
 *
 * @throws MR_STATE_CORRUPT, or what `directoryFailure` returns
 */
export function requireSoundIndexes(directory: string): void {
  for (const name of readdirSync(directory)) {
    if (!TABLE.test(name) || hasSoundIndex(join(directory, name))) continue
    throw damageFound(directory, `the index of ${name} is damaged`)
  }
}

/**
 * Makes LevelDB fail on reading a block whose checksum is wrong: the block gets a type that does not exist. LevelDB
 * ignores a filter with such a type.
 *
 * @param directory a copy; tables that share their bytes with other names are replaced
 * @returns true if the index of a table is lost, so that LevelDB's own repair must take the table out
 * @throws what `directoryFailure` returns
 */
export async function sealDamagedBlocks(directory: string): Promise<boolean> {
  let isLost = false
  await forEachTable(directory, async (name, table) => {
    if (!isFinished(table)) isLost = true
    const damaged = damagedBlocks(table)
    if (damaged.some(({ isIndex }) => isIndex)) isLost = true
    const sealed = damaged.filter(({ offset, size }) => offset + size < table.length)
    if (sealed.length === 0) return
    for (const { offset, size } of sealed) table[offset + size] = NO_TYPE
    await writeFile(join(directory, `${name}.sealed`), table)
    await rename(join(directory, `${name}.sealed`), join(directory, name))
  })
  return isLost
}

function damageFound(directory: string, damage: string): MillraceError {
  return new MillraceError('MR_STATE_CORRUPT', `level found damage in ${directory}: ${damage}`, { hint: DAMAGE_HINT })
}

/** True also of a table that is gone by now, or that has no end: it was being written when the engine was closed. */
function hasSoundIndex(file: string): boolean {
  const descriptor = ifThere(() => openSync(file, 'r'))
  if (descriptor === undefined) return true
  try {
    const length = fstatSync(descriptor).size
    const footer = Buffer.alloc(FOOTER)
    if (length < FOOTER || readSync(descriptor, footer, 0, FOOTER, length - FOOTER) < FOOTER) return true
    if (!isFinished(footer)) return true
    const [, { offset, size }] = handlesIn(footer)
    if (offset + size + TRAILER > length) return false
    const index = Buffer.alloc(size + TRAILER)
    readSync(descriptor, index, 0, index.length, offset)
    return isSound(index, { offset: 0, size })
  } finally {
    closeSync(descriptor)
  }
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
    if (isMissing(error)) return undefined
    throw error
  }
}

/** Returns the blocks that have a wrong checksum or exceed the file. */
function damagedBlocks(table: Buffer): (Block & { readonly isIndex: boolean })[] {
  // LevelDB itself detects a missing footer in a table that it reads.
  if (!isFinished(table)) return []
  const [metaIndex, index] = handlesIn(table.subarray(table.length - FOOTER))
  return [metaIndex, index].flatMap((described) => {
    if (!isSound(table, described)) return [{ ...described, isIndex: described === index }]
    const blocks = blocksIn(table, described).filter((block) => !isSound(table, block))
    return blocks.map((block) => ({ ...block, isIndex: false }))
  })
}

/** False for one that a compaction was writing when the engine was closed: it has no end, and is never read. */
function isFinished(table: Buffer): boolean {
  return table.length >= FOOTER && table.readBigUInt64LE(table.length - 8) === MAGIC
}

function handlesIn(footer: Buffer): readonly [metaIndex: Block, index: Block] {
  const reader = new VarintReader(footer, 0)
  return [reader.block(), reader.block()]
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
