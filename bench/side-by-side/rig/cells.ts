/** One row of the report: a workload under one guarantee, with the same settings on both sides. */
export interface Cell {
  readonly workload: string
  readonly guarantee: 'alos' | 'eos'
  /** With a cache of 10 MiB, or with none: every update is emitted. */
  readonly cached: boolean
}

/** Bytes of the cache where there is one; ms between two commits; ms for which a batch waits for more records. */
export const CACHE_BYTES = 10 * 1024 * 1024
export const COMMIT_INTERVAL = { alos: 30_000, eos: 100 }
export const LINGER = 5

const guarantees = ['alos', 'eos'] as const

export const cells: readonly Cell[] = [
  ...both('w1', true),
  ...both('w2', true),
  ...both('w2', false),
  ...both('w2big', true),
  ...both('w3', true),
  ...both('w4', true),
  ...both('w5', true),
]

function both(workload: string, cached: boolean): Cell[] {
  return guarantees.map((guarantee) => ({ workload, guarantee, cached }))
}
