/*
 * The order in which Java's hash tables iterate over strings. Kafka Streams prints the stores and topics of a node in
 * it, and the order of a node's children can depend on it, too. A description that is compared with one of Kafka
 * Streams must have the same order.
 */

/** Returns the order of a `HashMap` or `HashSet` to which the values were added one by one. */
export function javaHashOrder(values: Iterable<string>): string[] {
  const distinct = [...new Set(values)]
  let capacity = 16
  while (distinct.length > capacity * 0.75) capacity *= 2
  return inBuckets(distinct, capacity)
}

/** Returns the order of a `HashSet` made of another collection: it starts larger, if its size is at the limit. */
export function javaSetOrder(values: Iterable<string>): string[] {
  const distinct = [...new Set(values)]
  const wanted = Math.max(Math.floor(distinct.length / 0.75) + 1, 16)
  let capacity = 16
  while (capacity < wanted) capacity *= 2
  return inBuckets(distinct, capacity)
}

function inBuckets(values: readonly string[], capacity: number): string[] {
  return values
    .map((value) => ({ value, bucket: spread(hashCode(value)) & (capacity - 1) }))
    .toSorted((a, b) => a.bucket - b.bucket)
    .map(({ value }) => value)
}

function hashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}

function spread(hash: number): number {
  return hash ^ (hash >>> 16)
}
