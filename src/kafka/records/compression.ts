import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { compressionsAlgorithms } from '@platformatic/kafka'

/** How the records of a batch are compressed. */
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** By their numbers in the attributes of a batch. */
export const compressions: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** The number of a codec in the attributes of a batch. */
export function compressionId(compression: Compression): number {
  return compressions.indexOf(compression)
}

/** The codec with this number; `undefined` if there is none. */
export function compressionOf(id: number): Compression | undefined {
  return compressions[id]
}

export function compress(bytes: Buffer, compression: Compression): Buffer {
  switch (compression) {
    case 'none':
      return bytes
    case 'gzip':
      return gzipSync(bytes)
    case 'snappy':
      return xerialFrame(compressionsAlgorithms.snappy.compressSync(bytes))
    case 'lz4':
      return compressionsAlgorithms.lz4.compressSync(bytes)
    case 'zstd':
      return zstdCompressSync(bytes)
  }
}

/** Decompresses; snappy in raw and in xerial framing. Throws whatever the codec throws on corrupt input. */
export function decompress(bytes: Buffer, compression: Compression): Buffer {
  switch (compression) {
    case 'none':
      return bytes
    case 'gzip':
      return gunzipSync(bytes)
    case 'snappy':
      return compressionsAlgorithms.snappy.decompressSync(bytes)
    case 'lz4':
      return compressionsAlgorithms.lz4.decompressSync(bytes)
    case 'zstd':
      return zstdDecompressSync(bytes)
  }
}

const XERIAL_HEADER = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1])

/** Java clients write snappy in this framing; a single chunk is enough for any reader of it. */
function xerialFrame(chunk: Buffer): Buffer {
  const length = Buffer.allocUnsafe(4)
  length.writeUInt32BE(chunk.length)
  return Buffer.concat([XERIAL_HEADER, length, chunk])
}
