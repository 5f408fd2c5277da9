import type { HoppingWindows } from './hopping.ts'
import type { JoinWindows } from './join-window.ts'
import type { PeriodWindows } from './period.ts'
import type { SessionWindows } from './session.ts'
import type { SlidingWindows } from './sliding.ts'
import type { TumblingWindows } from './tumbling.ts'
import type { UnlimitedWindows } from './unlimited.ts'

/** Windows of one size that are laid over time before any record arrives. */
export type FixedWindows = TumblingWindows | HoppingWindows

/** Windows that `windowedBy` takes for time-windowed aggregations. */
export type TimeWindows = FixedWindows | PeriodWindows | UnlimitedWindows

/** Windows that an aggregation can have. */
export type AggregationWindows = TimeWindows | SlidingWindows | SessionWindows

export type WindowDefinition = AggregationWindows | JoinWindows
