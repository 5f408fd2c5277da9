import { Change } from '../../record/change.ts'
import type { Headers } from '../../record/headers.ts'
import type { Entry, KeyValueState, VersionedState } from '../../state/states.ts'
import type { OperatorContext, Output } from '../operator.ts'

/**
 * The store in which an operator keeps the table it makes, and how its updates go on: forwarded at once, or by the
 * cache when it is flushed, or not at all if a versioned store rejected them.
 */
export class TableStore {
  /** True if updates are held back, so that the operator's own old values are of no use. */
  readonly cached: boolean
  /** Caches of Kafka Streams: an aggregate becomes null at the time of the record that did it, not the latest. */
  readonly nullsInRecordTime: boolean
  readonly #plain: KeyValueState<unknown, unknown> | null
  readonly #versioned: VersionedState<unknown, unknown> | null
  readonly #output: Output
  readonly #sendOldValues: boolean

  constructor(context: OperatorContext, output: Output, store: string, sendOldValues: boolean) {
    this.#output = output
    this.#sendOldValues = sendOldValues
    if (context.state(store).spec.kind === 'versioned') {
      this.#plain = null
      this.#versioned = context.state(store)
      this.cached = false
      this.nullsInRecordTime = false
      return
    }
    const state: KeyValueState<unknown, unknown> = context.state(store)
    this.#plain = state
    this.#versioned = null
    this.cached = state.cached
    this.nullsInRecordTime = state.cached && context.compatible
    if (state.cached) {
      state.onFlush(
        (key, newValue, oldValue, timestamp, headers) =>
          output.forward(key, new Change(newValue, oldValue), timestamp, headers),
        sendOldValues,
      )
    }
  }

  /** True if the operator has to find out old values itself. */
  get wantsOldValues(): boolean {
    return this.#sendOldValues && !this.cached
  }

  get(key: unknown): Entry<unknown> | undefined {
    return this.#plain === null ? this.#versioned?.get(key) : this.#plain.get(key)
  }

  copy(value: unknown): unknown {
    return this.#plain === null ? this.#versioned?.copy(value) : this.#plain.copy(value)
  }

  /** Puts the new value and forwards the change. */
  update(key: unknown, newValue: unknown, oldValue: unknown, timestamp: number, headers: Headers): void {
    let latest = true
    if (this.#plain !== null) {
      this.#plain.put(key, newValue, timestamp)
      if (this.cached) return
    } else if (this.#versioned !== null) {
      const outcome = this.#versioned.put(key, newValue, timestamp)
      if (outcome === 'rejected') return
      latest = outcome === 'latest'
    }
    this.#output.forward(key, new Change(newValue, this.#sendOldValues ? oldValue : null, latest), timestamp, headers)
  }
}
