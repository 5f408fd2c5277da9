import { having, type Option } from './options.ts'
import { systemClock, type Clock } from '../platform/clock.ts'

/** The option for a clock; the machine's clock if not given. */
export const clockOption: Option<Clock> = having<Clock>('clock', ['now', 'monotonic', 'schedule'], 'a clock', {
  default: systemClock,
  defaultText: 'of the machine',
  description: 'time and timers, for tests and simulations',
})
