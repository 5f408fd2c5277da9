import { MillraceError } from '../errors/millrace-error.ts'
import { checkOptionNames, parseDuration, type Duration } from '../options/options.ts'
import { ignoreRejection, isAsyncFunction, isThenable } from '../platform/thenable.ts'
import type { PeriodWindows, WindowBounds } from './period.ts'
import { checkPositive } from './window-error.ts'
import { WINDOWS_OF } from './window-options.ts'

/**
 * Makes windows by a function of your own, which returns the windows that hold a time. The function must be pure: the
 * same time has the same windows on every host and after every restart. Windows may overlap, and a time may have none.
 *
 * @param windows returns the windows of a time (ms since the epoch), each with `start <= timestamp < end`, in whole ms
 * @param options.maxSize the longest size of a window: stores keep windows for this long and the grace
 * @param options.grace how long after its end (in stream time) a window still takes late records; 0 if not given
 * @throws MR_WINDOW if `windows` is no function or `maxSize` is 0; MR_DURATION; MR_TOPOLOGY_WINDOWS by `windowedBy`
 * under `compatibility`; MR_PROCESSING for a record whose windows break these rules: `onProcessingError` decides about
 * it
 * @example
 * ```ts
 * // Shifts: from 06:00, 14:00 and 22:00 UTC, for eight hours.
 * const shift = windowsOf(
 *   (time) => {
 *     const start = Math.floor((time - 6 * 3_600_000) / (8 * 3_600_000)) * 8 * 3_600_000 + 6 * 3_600_000
 *     return [{ start, end: start + 8 * 3_600_000 }]
 *   },
 *   { maxSize: '8h', grace: '5m' },
 * )
 * ```
 * Stands for a subclass of Kafka Streams' `Windows` (`windowsFor`).
 */
export function windowsOf(
  windows: (timestamp: number) => readonly WindowBounds[],
  options: { readonly maxSize: Duration; readonly grace?: Duration },
): PeriodWindows {
  if (typeof windows !== 'function' || isAsyncFunction(windows)) {
    const given = isAsyncFunction(windows) ? 'was given an async function' : 'was not given a function'
    throw new MillraceError('MR_WINDOW', `windowsOf() ${given}`, {
      hint: 'Give a function: (timestamp) => [{ start, end }], in milliseconds since the epoch.',
    })
  }
  checkOptionNames(WINDOWS_OF, options ?? {}, 'windowsOf()')
  const maxSize = parseDuration(options?.maxSize, 'the maxSize of windowsOf()')
  checkPositive(maxSize, 'the maxSize of windowsOf()')
  return {
    kind: 'period',
    maxSize,
    grace: parseDuration(options.grace ?? 0, 'the grace of windowsOf()'),
    disjoint: false,
    windowsOf: (timestamp) => checkBounds(windows(timestamp), timestamp, maxSize),
  }
}

function checkBounds(windows: readonly WindowBounds[], timestamp: number, maxSize: number): readonly WindowBounds[] {
  if (!Array.isArray(windows)) {
    ignoreRejection(windows)
    throw invalid(timestamp, isThenable(windows) ? 'is a promise' : 'is not an array')
  }
  for (const window of windows as readonly (WindowBounds | null | undefined)[]) {
    const { start, end } = window ?? {}
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end)) {
      for (const other of windows) ignoreRejection(other)
      throw invalid(timestamp, `has a window from ${String(start)} to ${String(end)}`)
    }
    if (start! < 0 || start! > timestamp || end! <= timestamp) {
      throw invalid(timestamp, `has a window from ${start} to ${end}, which does not hold that time`)
    }
    if (end! - start! > maxSize) {
      throw invalid(timestamp, `has a window of ${end! - start!} ms, longer than the maxSize of ${maxSize} ms`)
    }
  }
  return windows
}

function invalid(timestamp: number, problem: string): RangeError {
  return new RangeError(
    `the result of the function of windowsOf() for the time ${timestamp} ${problem}; ` +
      'it must be an array of { start, end } in whole milliseconds, each with 0 <= start <= timestamp < end',
  )
}
