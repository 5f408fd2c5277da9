import type { FixedWindows } from './window-definition.ts'

/**
 * Start of the first window that holds `timestamp`, never negative; the others follow every `advance` while their start is
 * at most `timestamp`.
 *
 * @example
 * ```ts
 * for (let start = firstWindowStart(window, ts); start <= ts; start += window.advance) update(start, start + window.size)
 * ```
 */
export function firstWindowStart(window: FixedWindows, timestamp: number): number {
  const { size, advance } = window
  const earliest = timestamp - size + advance
  return earliest <= 0 ? 0 : earliest - (earliest % advance)
}
