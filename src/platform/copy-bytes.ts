/** Bytes below which a loop is faster than a call of `copy`. */
const SHORT = 32

/** Copies a range, mostly a short one, to `at`. Returns the index after the copy. */
export function copyBytes(source: Buffer, start: number, end: number, target: Buffer, at: number): number {
  if (end - start >= SHORT) return at + source.copy(target, at, start, end)
  for (let from = start; from < end; from++) target[at++] = source[from]!
  return at
}
