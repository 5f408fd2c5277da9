/** What was measured, and what it may be at most or at least. */
export interface Row {
  readonly what: string
  readonly measured: string
  readonly bound: string
  /** Undefined: there is no bound. */
  readonly isKept: boolean | undefined
}

export interface Bounds {
  readonly p50?: number
  readonly p99: number
}

/** Judges times in ms, two to three of them slashed. */
export function ofTimes(
  what: string,
  { p50, p99, max }: { readonly p50: number; readonly p99: number; readonly max: number },
  bounds: Bounds | undefined,
): Row {
  const measured = `p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, max ${max.toFixed(1)} ms`
  if (bounds === undefined) return noted(what, measured)
  const { p50: half = Infinity } = bounds
  const bound = [...(half === Infinity ? [] : [`p50 ≤ ${half} ms`]), `p99 ≤ ${bounds.p99} ms`].join(', ')
  return { what, measured, bound, isKept: p50 <= half && p99 <= bounds.p99 }
}

/** What has no bound. */
export function noted(what: string, measured: string): Row {
  return { what, measured, bound: '', isKept: undefined }
}

export function atMost(what: string, value: number, bound: number, unit: string): Row {
  return { what, measured: `${shown(value)} ${unit}`, bound: `≤ ${bound} ${unit}`, isKept: value <= bound }
}

export function atLeast(what: string, value: number, bound: number, unit: string): Row {
  return { what, measured: `${shown(value)} ${unit}`, bound: `≥ ${bound} ${unit}`, isKept: value >= bound }
}

function shown(value: number): string {
  return Number.isInteger(value) || Math.abs(value) >= 1000
    ? Math.round(value).toLocaleString('en-US')
    : value.toFixed(2)
}
