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
  stream: (handle) => KStream.of(handle, wrap),
  table: (handle) => KTable.of(handle, wrap),
  globalTable: (handle) => GlobalKTable.of(handle),
  groupedStream: (handle) => KGroupedStream.of(handle, wrap),
  groupedTable: (handle) => KGroupedTable.of(handle, wrap),
  timeWindows: (handle) => TimeWindowedKStream.of(handle, wrap),
  sessions: (handle) => SessionWindowedKStream.of(handle, wrap),
  cogroup: (handle) => CogroupedKStream.of(handle, wrap),
}
