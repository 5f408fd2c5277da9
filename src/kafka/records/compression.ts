import zlib from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'
import { compressions, type Compression } from './codecs.ts'

/** Returns the number of a codec in the attributes of a batch. */
export function compressionId(compression: Compression): number {
  return compressions.indexOf(compression)
}

/** Returns the codec with this number; `undefined` if there is none. */
export function compressionOf(id: number): Compression | undefined {
  return compressions[id]
}

export function compress(bytes: Buffer, compression: Compression): Buffer {
  switch (compression) {
    case 'none':
      return bytes
    case 'gzip':
      return zlib.gzipSync(bytes)
    case 'snappy':
      return xerialFrame(compressionsAlgorithms.snappy.compressSync(bytes))
    case 'lz4':
      return compressionsAlgorithms.lz4.compressSync(bytes)
    case 'zstd':
      return zlib.zstdCompressSync(bytes)
  }
}

/**
 * Decompresses to at most `maxBytes`. Reads snappy in raw and in xerial framing. A few bytes may unpack to gigabytes,
 * so a larger result is refused before it is unpacked, or when it reaches the bound.
 *
 * @throws UnpackedTooLarge; on corrupt input, whatever the codec throws
 */
export function decompress(bytes: Buffer, compression: Compression, maxBytes: number): Buffer {
  try {
    switch (compression) {
      case 'none':
        return bytes
      case 'gzip':
        return zlib.gunzipSync(bytes, { maxOutputLength: maxBytes })
      case 'snappy':
        checkUnpacked(snappyUnpacked(bytes), maxBytes)
        return compressionsAlgorithms.snappy.decompressSync(bytes)
      case 'lz4':
        checkUnpacked(lz4Unpacked(bytes), maxBytes)
        return compressionsAlgorithms.lz4.decompressSync(bytes)
      case 'zstd':
        return zlib.zstdDecompressSync(bytes, { maxOutputLength: maxBytes })
    }
  } catch (error) {
    if (error instanceof RangeError && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE') {
      throw new UnpackedTooLarge()
    }
    throw error
  }
}

/** Thrown for compressed bytes that unpack to more than the bound. */
export class UnpackedTooLarge extends Error {}

function checkUnpacked(bytes: number, maxBytes: number): void {
  if (bytes > maxBytes) throw new UnpackedTooLarge()
}

/** Bound of the bytes that one byte of snappy stands for: three of its bytes stand for at most 64. */
const SNAPPY_MOST = 32

/** Returns the unpacked bytes that snappy chunks claim at their start: the decoder reserves as many. */
function snappyUnpacked(bytes: Buffer): number {
  if (!bytes.subarray(0, XERIAL_MAGIC_BYTES).equals(XERIAL_HEADER.subarray(0, XERIAL_MAGIC_BYTES))) {
    return snappyClaim(bytes, 0, bytes.length)
  }
  let total = 0
  for (let at = XERIAL_HEADER.length; at + 4 <= bytes.length; at += 4 + bytes.readUInt32BE(at)) {
    total += snappyClaim(bytes, at + 4, bytes.readUInt32BE(at))
  }
  return total
}

function snappyClaim(bytes: Buffer, start: number, packed: number): number {
  const claim = varint(bytes, start)
  if (claim > SNAPPY_MOST * packed) throw new Error(`${packed} bytes of snappy cannot unpack to ${claim}`)
  return claim
}

function varint(bytes: Buffer, start: number): number {
  let value = 0
  for (let at = start, factor = 1; at < bytes.length; at++, factor *= 128) {
    const byte = bytes[at]!
    value += (byte & 0x7f) * factor
    if (byte < 0x80) break
  }
  return value
}

const LZ4_MAGIC = 0x184d2204
/** Bound of the bytes that one byte of LZ4 stands for. */
const LZ4_MOST = 255

/**
 * Returns the most bytes that LZ4 frames can unpack to. A block is no larger than its frame says, nor than 255 times
 * its packed bytes (LZ4 frame format 1.6.1).
 */
function lz4Unpacked(bytes: Buffer): number {
  let total = 0
  let at = 0
  while (at + 7 <= bytes.length && bytes.readUInt32LE(at) === LZ4_MAGIC) {
    const flags = bytes[at + 4]!
    const blockBytes = 1 << (8 + 2 * ((bytes[at + 5]! >> 4) & 7))
    at += 7 + ((flags & 0x08) === 0 ? 0 : 8) + ((flags & 0x01) === 0 ? 0 : 4)
    const checksumBytes = (flags & 0x10) === 0 ? 0 : 4
    for (;;) {
      if (at + 4 > bytes.length) return total
      const size = bytes.readUInt32LE(at)
      at += 4
      if (size === 0) break
      const packed = size & 0x7fff_ffff
      // The decoder refuses a block that is cut off.
      if (packed > bytes.length - at) return total
      total += size === packed ? Math.min(blockBytes, LZ4_MOST * packed) : packed
      at += packed + checksumBytes
    }
    if ((flags & 0x04) !== 0) at += 4
  }
  return total
}

const XERIAL_MAGIC_BYTES = 8
const XERIAL_HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])

/** Frames snappy as Java clients do. Any reader of the framing accepts a single chunk. */
function xerialFrame(chunk: Buffer): Buffer {
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32BE(chunk.length)
  return Buffer.concat([XERIAL_HEADER, length, chunk])
}
