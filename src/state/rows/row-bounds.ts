/** The keys of rows from `lower` to `upper`, which is exclusive. */
export interface RowBounds {
  readonly lower: Buffer
  readonly upper: Buffer
}

const LEAST = Buffer.of(0)

/** Bounds the rows `header ‖ key` with keys from `from` to `to`, both included; without a bound: all on that side. */
export function rangeBounds(header: Buffer, from: Buffer | undefined, to: Buffer | undefined): RowBounds {
  return {
    lower: from === undefined ? header : Buffer.concat([header, from]),
    upper: to === undefined ? behindPrefix(header) : Buffer.concat([header, to, LEAST]),
  }
}

/** Bounds the rows whose keys begin with `header ‖ prefix`; with `after`, those behind `header ‖ after`. */
export function prefixBounds(header: Buffer, prefix: Buffer, after?: Buffer): RowBounds {
  const lower = Buffer.concat([header, prefix])
  const upper = behindPrefix(lower)
  return { lower: after === undefined ? lower : Buffer.concat([header, after, LEAST]), upper }
}

/** Returns the first key behind all that begin with `prefix`, of which one byte at least is not the greatest. */
function behindPrefix(prefix: Buffer): Buffer {
  let length = prefix.length
  while (length > 0 && prefix[length - 1] === 0xff) length--
  const bound = Buffer.from(prefix.subarray(0, length))
  if (length > 0) bound[length - 1] = bound[length - 1]! + 1
  return bound
}
