import { having } from '../options/index.ts'
import type { Option } from '../options/index.ts'
import { systemClock } from './clock.ts'
import type { Clock } from './clock.ts'

/** The Clock port as an option; the machine's clock if not given. */
export const clockOption: Option<Clock> = having<Clock>('clock', ['now', 'monotonic', 'schedule'], 'a clock', {
  default: systemClock,
  defaultText: 'of the machine',
  description: 'time and timers, for tests and simulations',
})
