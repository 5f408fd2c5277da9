/** Bounds that every store can compare: time is not negative, and a safe integer. */
export function timesOf(from = 0, to = Number.MAX_SAFE_INTEGER - 1): { readonly from: number; readonly to: number } {
  return { from: bounded(Math.ceil(from)), to: bounded(Math.floor(to)) }
}

function bounded(time: number): number {
  return Math.min(Math.max(time, -1), Number.MAX_SAFE_INTEGER - 1)
}
