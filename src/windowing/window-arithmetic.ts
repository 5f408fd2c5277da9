import type { FixedWindows } from './window-definition.ts'

/**
 * Returns the start of the first window that holds `timestamp`, never negative. The others follow every `advance` while
 * their start is at most `timestamp`.
 *
 * @example
 * ```ts
 * for (let start = firstWindowStart(window, time); start <= time; start += window.advance) update(start)
 * ```
 */
export function firstWindowStart(window: FixedWindows, timestamp: number): number {
  const { size, advance } = window
  const earliest = timestamp - size + advance
  return earliest <= 0 ? 0 : earliest - (earliest % advance)
}
