import { CogroupedKStream } from './cogrouped-kstream.ts'
import { GlobalKTable } from './global-ktable.ts'
import { KGroupedStream } from './kgrouped-stream.ts'
import { KGroupedTable } from './kgrouped-table.ts'
import { KStream } from './kstream.ts'
import { KTable } from './ktable.ts'
import { SessionWindowedKStream } from './session-windowed-kstream.ts'
import { TimeWindowedKStream } from './time-windowed-kstream.ts'
import type { Wrap } from './wrap.ts'

export const wrap: Wrap = {
  stream: (handle) => new KStream(handle, wrap),
  table: (handle) => new KTable(handle, wrap),
  globalTable: (handle) => new GlobalKTable(handle),
  groupedStream: (handle) => new KGroupedStream(handle, wrap),
  groupedTable: (handle) => new KGroupedTable(handle, wrap),
  timeWindows: (handle) => new TimeWindowedKStream(handle, wrap),
  sessions: (handle) => new SessionWindowedKStream(handle, wrap),
  cogroup: (handle) => new CogroupedKStream(handle, wrap),
}
