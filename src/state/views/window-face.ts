import type { RecordContext } from '../../record/record-context.ts'
import type { WindowCursor, WindowState } from '../states.ts'
import type { OpenIterators } from './store-iterator.ts'
import type { ValueAndTimestamp, WindowStore } from './stores.ts'
import { requireKey } from './user-key.ts'
import { requireTime } from './user-time.ts'
import { WindowsFace } from './windows-face.ts'
import type { WriteCheck } from './write-check.ts'

/** What reading a window state takes. */
export type ReadableWindows<K, V> = Pick<WindowState<K, V>, 'name' | 'get' | 'fetch' | 'fetchAll' | 'copy'>

export class ReadOnlyWindowFace<K, V, State extends ReadableWindows<K, V> = ReadableWindows<K, V>> extends WindowsFace<
  K,
  V,
  State,
  WindowCursor<K, V>
> {
  readonly #windowSize: number

  constructor(state: State, windowSize: number, iterators: OpenIterators) {
    super(state, iterators)
    this.#windowSize = windowSize
  }

  override get(key: K, start: number): ValueAndTimestamp<V> | undefined {
    requireKey(key, this.name)
    const entry = this.state.get(key, requireTime(start, 'the start of a window', this.name))
    const shown = entry === undefined ? undefined : { value: this.state.copy(entry.value), timestamp: entry.timestamp }
    this.iterators.wasRead()
    return shown
  }

  protected override find(key: K, from: number, to: number, reverse: boolean): WindowCursor<K, V> {
    return this.state.fetch(key, from, to, reverse)
  }

  protected override findAll(from: number, to: number, reverse: boolean): WindowCursor<K, V> {
    return this.state.fetchAll(from, to, reverse)
  }

  protected override endOf({ start }: WindowCursor<K, V>): number {
    return start + this.#windowSize
  }
}

export class WindowFace<K, V> extends ReadOnlyWindowFace<K, V, WindowState<K, V>> implements WindowStore<K, V> {
  readonly #record: RecordContext
  readonly #checkWrite: WriteCheck

  constructor(
    state: WindowState<K, V>,
    windowSize: number,
    iterators: OpenIterators,
    record: RecordContext,
    checkWrite: WriteCheck,
  ) {
    super(state, windowSize, iterators)
    this.#record = record
    this.#checkWrite = checkWrite
  }

  put(key: K, value: V | null, start: number, timestamp: number = this.#record.timestamp): void {
    this.#checkWrite('put()', key, value)
    requireKey(key, this.name)
    const time = requireTime(timestamp, 'the timestamp of put()', this.name)
    this.state.put(key, requireTime(start, 'the start of a window', this.name), value ?? null, time)
  }
}
