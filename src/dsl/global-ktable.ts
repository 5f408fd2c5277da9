import { HANDLE, type GlobalTableHandle, type TYPES } from './handles/handles.ts'

/**
 * A table that every instance holds completely. Streams join with it by any key, without repartitioning. It can be
 * joined with and queried, nothing else.
 *
 * @example
 * ```ts
 * const countries = builder.globalTable(countryTopic)
 * orders.join(countries, (order) => order.country, (order, country) => ({ ...order, country: country.name }))
 * ```
 * Behaves as Kafka Streams' `GlobalKTable` (KIP-99).
 */
export class GlobalKTable<K, V> {
  declare readonly [TYPES]: readonly [key: K, value: V]
  /** @internal */
  readonly [HANDLE]: GlobalTableHandle

  private constructor(handle: GlobalTableHandle) {
    this[HANDLE] = handle
  }

  /** @internal */
  static of<K, V>(handle: GlobalTableHandle): GlobalKTable<K, V> {
    return new GlobalKTable(handle)
  }

  /** Name of its store. */
  get storeName(): string {
    return this[HANDLE].store
  }
}
