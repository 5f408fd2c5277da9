import type { Headers } from '../../record/headers.ts'
import type { Serde } from '../../serde/serde.ts'
import type { StatePlace } from '../environment.ts'
import { Retention } from '../segment-retention.ts'
import type { Entry, PeriodState, SessionCursor, SessionFlushListener } from '../states.ts'
import type { PeriodStoreSpec } from '../../topology/store-spec.ts'
import { TimedEntryStore } from './timed-entry-store.ts'
import type { TimedEntry } from './timed-entry.ts'

/** Store of windows with bounds of their own: entries by (key, window end, window start), with timestamps. */
export class PeriodEntryStore<K, V>
  extends TimedEntryStore<K, V, SessionFlushListener<K, V>>
  implements PeriodState<K, V>
{
  readonly spec: PeriodStoreSpec

  constructor(spec: PeriodStoreSpec, place: StatePlace, keySerde: Serde<K>, valueSerde: Serde<V>) {
    super(spec, place, keySerde, valueSerde, true, new Retention(spec.retention, spec.persistent, false))
    this.spec = spec
  }

  get(key: K, start: number, end: number): Entry<V> | undefined {
    return this.find(key, end, start)
  }

  put(key: K, start: number, end: number, value: V | null, timestamp: number): void {
    this.putAt(key, end, start, value, timestamp)
  }

  findOverlapping(key: K, earliestEnd: number, latestStart: number, reverse: boolean): SessionCursor<K, V> {
    return this.select(key, earliestEnd, Infinity, latestStart, reverse)
  }

  findByEnd(from: number, to: number, reverse: boolean): SessionCursor<K, V> {
    return this.selectAll(from, to, reverse)
  }

  protected emit(
    entry: TimedEntry<K, V>,
    newValue: V | null,
    oldValue: V | null,
    timestamp: number,
    headers: Headers,
  ): void {
    this.listener?.(entry.key, entry.sub, entry.time, newValue, oldValue, timestamp, headers)
  }
}
