const MULTIPLIER = 0x5bd1e995
const SEED = 0x9747b28c

/**
 * Computes Kafka's 32-bit murmur2 of `bytes[start, end)` as a signed integer, the same value as Java's `Utils.murmur2`.
 *
 * @example
 * ```ts
 * murmur2(Buffer.from('foobar'), 0, 6) // -790332482
 * ```
 */
export function murmur2(bytes: Uint8Array, start: number, end: number): number {
  const length = end - start
  let hash = SEED ^ length
  let at = start
  for (const words = start + (length & ~3); at < words; at += 4) {
    let word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    word = Math.imul(word, MULTIPLIER)
    word ^= word >>> 24
    hash = Math.imul(hash, MULTIPLIER) ^ Math.imul(word, MULTIPLIER)
  }
  const rest = length & 3
  if (rest !== 0) {
    if (rest === 3) hash ^= bytes[at + 2]! << 16
    if (rest >= 2) hash ^= bytes[at + 1]! << 8
    hash = Math.imul(hash ^ bytes[at]!, MULTIPLIER)
  }
  hash = Math.imul(hash ^ (hash >>> 13), MULTIPLIER)
  return hash ^ (hash >>> 15)
}

/**
 * Returns the partition that Kafka's default partitioner gives a record whose key is `buffer[start, end)`: `(murmur2 &
 * 0x7fffffff) % partitionCount`. It is the same as in Java, so that topics written by either are co-partitioned.
 */
export function partitionForKey(buffer: Uint8Array, start: number, end: number, partitionCount: number): number {
  return (murmur2(buffer, start, end) & 0x7fffffff) % partitionCount
}
