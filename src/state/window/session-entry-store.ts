import type { Headers } from '../../record/headers.ts'
import type { Serde } from '../../serde/serde.ts'
import type { StatePlace } from '../environment.ts'
import { Retention } from '../segment-retention.ts'
import type { SessionCursor, SessionFlushListener, SessionState } from '../states.ts'
import type { SessionStoreSpec } from '../../topology/store-spec.ts'
import { TimedEntryStore } from './timed-entry-store.ts'
import type { TimedEntry } from './timed-entry.ts'

/** Session store: entries by (key, session end, session start). */
export class SessionEntryStore<K, V>
  extends TimedEntryStore<K, V, SessionFlushListener<K, V>>
  implements SessionState<K, V>
{
  readonly spec: SessionStoreSpec

  constructor(spec: SessionStoreSpec, place: StatePlace, keySerde: Serde<K>, valueSerde: Serde<V>) {
    super(spec, place, keySerde, valueSerde, false, new Retention(spec.retention, spec.persistent, false))
    this.spec = spec
  }

  get(key: K, start: number, end: number): V | undefined {
    return this.find(key, end, start)?.value
  }

  put(key: K, start: number, end: number, value: V | null): void {
    this.putAt(key, end, start, value, -1)
  }

  findSessions(key: K, earliestEnd: number, latestStart: number, reverse: boolean): SessionCursor<K, V> {
    return this.select(key, earliestEnd, Infinity, latestStart, reverse)
  }

  findByEnd(from: number, to: number, withExpired: boolean): SessionCursor<K, V> {
    return this.selectAll(from, to, false, !(withExpired && this.spec.timeOrdered && this.spec.persistent))
  }

  protected emit(
    entry: TimedEntry<K, V>,
    newValue: V | null,
    oldValue: V | null,
    _timestamp: number,
    headers: Headers,
  ): void {
    this.listener?.(entry.key, entry.sub, entry.time, newValue, oldValue, entry.time, headers)
  }
}
