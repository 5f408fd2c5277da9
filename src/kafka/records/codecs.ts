/** Compression of the records in a batch. */
export type Compression = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'

/** Codecs, indexed by their numbers in the attributes of a batch. */
export const compressions: readonly Compression[] = ['none', 'gzip', 'snappy', 'lz4', 'zstd']

/** Bytes that a compressed batch may unpack to by default. */
export const MAX_BATCH_BYTES = 256 << 20
