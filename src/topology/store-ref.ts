import { MillraceError } from '../errors/millrace-error.ts'
import type { Serde } from '../serde/serde.ts'

/** What a store keeps: rows by key, windows, sessions, or versions of rows. */
export type StoreKind = 'keyValue' | 'window' | 'session' | 'versioned'

/**
 * Names a store and its types, once for the topology that fills it and for those who ask it.
 *
 * @example
 * ```ts
 * const totals = storeRef('totals', { key: string(), value: json<Total>() })
 * payments.groupByKey().aggregate(noTotal, addToTotal, { store: totals })
 * const total = await streams.store(totals).get('alice')
 * ```
 */
export interface StoreRef<Kind extends StoreKind, K, V> {
  readonly kind: Kind
  readonly name: string
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** A reference, of whatever types. */
export interface AnyStoreRef {
  readonly kind: StoreKind
  readonly name: string
  readonly key: object
  readonly value: object
}

export function isStoreRef(value: unknown): value is StoreRef<StoreKind, unknown, unknown> {
  return typeof value === 'object' && value !== null && 'kind' in value && 'key' in value && 'value' in value
}

interface RefSerdes<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
}

/** Names the store of a table, an aggregation without windows, or a processor. @throws MR_TOPOLOGY_STORE_OPTION */
export function storeRef<K, V>(name: string, serdes: RefSerdes<K, V>): StoreRef<'keyValue', K, V> {
  return ref('keyValue', name, serdes)
}

/** Names the store of an aggregation by windows. @throws MR_TOPOLOGY_STORE_OPTION */
export function windowStoreRef<K, V>(name: string, serdes: RefSerdes<K, V>): StoreRef<'window', K, V> {
  return ref('window', name, serdes)
}

/** Names the store of an aggregation by sessions. @throws MR_TOPOLOGY_STORE_OPTION */
export function sessionStoreRef<K, V>(name: string, serdes: RefSerdes<K, V>): StoreRef<'session', K, V> {
  return ref('session', name, serdes)
}

/** Names the store of a versioned table. @throws MR_TOPOLOGY_STORE_OPTION */
export function versionedStoreRef<K, V>(name: string, serdes: RefSerdes<K, V>): StoreRef<'versioned', K, V> {
  return ref('versioned', name, serdes)
}

function ref<Kind extends StoreKind, K, V>(kind: Kind, name: string, given: RefSerdes<K, V>): StoreRef<Kind, K, V> {
  const isGiven = typeof name === 'string' && name !== '' && isSerde(given?.key) && isSerde(given?.value)
  if (isGiven) return Object.freeze({ kind, name, key: given.key, value: given.value })
  throw new MillraceError('MR_TOPOLOGY_STORE_OPTION', 'a store reference needs a name, and serdes of key and value', {
    hint: "For example: storeRef('totals', { key: string(), value: json() }).",
  })
}

function isSerde(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'serialize' in value && 'deserialize' in value
}
