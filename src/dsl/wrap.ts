import type { SessionWindows, SlidingWindows, TimeWindows } from '../windowing/windows.ts'
import type { CogroupedKStream } from './cogrouped-kstream.ts'
import type {
  GlobalTableHandle,
  GroupedStreamHandle,
  GroupedTableHandle,
  StreamHandle,
  TableHandle,
  WindowedStreamHandle,
} from './handles/handles.ts'
import type { GlobalKTable } from './global-ktable.ts'
import type { KGroupedStream } from './kgrouped-stream.ts'
import type { KGroupedTable } from './kgrouped-table.ts'
import type { KStream } from './kstream.ts'
import type { KTable } from './ktable.ts'
import type { CogroupHandle } from './nodes/cogroup.ts'
import type { SessionWindowedKStream } from './session-windowed-kstream.ts'
import type { TimeWindowedKStream } from './time-windowed-kstream.ts'

/** Wraps the handles that operators return in the classes users see. Streams and tables get it from their builder. */
export interface Wrap {
  stream<K, V>(handle: StreamHandle): KStream<K, V>
  table<K, V>(handle: TableHandle): KTable<K, V>
  globalTable<K, V>(handle: GlobalTableHandle): GlobalKTable<K, V>
  groupedStream<K, V>(handle: GroupedStreamHandle): KGroupedStream<K, V>
  groupedTable<K, V>(handle: GroupedTableHandle): KGroupedTable<K, V>
  timeWindows<K, V>(handle: WindowedStreamHandle<TimeWindows | SlidingWindows>): TimeWindowedKStream<K, V>
  sessions<K, V>(handle: WindowedStreamHandle<SessionWindows>): SessionWindowedKStream<K, V>
  cogroup<K, A>(handle: CogroupHandle): CogroupedKStream<K, A>
}
