/*
 * Stores as users see them: in processors (`context.store(name)`), in the test driver, in queries. They never hand out
 * an object that the store keeps. What is read may be changed without effect, and what was put may be changed
 * afterwards. The semantics are those of Kafka Streams' state stores (`org.apache.kafka.streams.state`).
 */

/**
 * An iterator over a store as it was when it was opened. It ends with the callback in which it was opened. It is closed
 * at its end, by leaving a `for … of`, by `using`, or by `close()`.
 *
 * @throws MR_ITERATOR_CLOSED by `next` if the callback in which it was opened is over
 * @example
 * ```ts
 * for (const { key, value } of store.range('a', 'f')) console.log(key, value)
 * ```
 */
export interface StoreIterator<T> extends IterableIterator<T>, Disposable {
  /** May be called any number of times. */
  close(): void
}

/** An entry of a key-value store. */
export interface KeyValueStoreEntry<K, V> {
  readonly key: K
  readonly value: V
}

/**
 * A key-value store, for reading. Its order is that of the bytes of serialized keys: strings by UTF-8, numbers as their
 * serde writes them.
 *
 * @throws MR_STORE_NULL_KEY for a null key, in every method
 */
export interface ReadOnlyKeyValueStore<K, V> {
  readonly name: string
  get(key: K): V | undefined
  /** Entries from `from` to `to`, both included. Without a bound: from the first, to the last. */
  range(from?: K, to?: K): StoreIterator<KeyValueStoreEntry<K, V>>
  reverseRange(from?: K, to?: K): StoreIterator<KeyValueStoreEntry<K, V>>
  all(): StoreIterator<KeyValueStoreEntry<K, V>>
  reverseAll(): StoreIterator<KeyValueStoreEntry<K, V>>
  /** Entries whose serialized key starts with these bytes; text is taken as UTF-8. */
  prefixScan(prefix: string | Uint8Array): StoreIterator<KeyValueStoreEntry<K, V>>
  /** Counts the entries. Reads all keys: do not call it for every record. */
  approximateNumEntries(): number
}

/**
 * A plain key-value store, as `keyValueStore()` declares it. Only the callbacks of its processor can write to it,
 * before they return.
 *
 * @throws MR_STORE_NULL_KEY; MR_OUTSIDE_CALLBACK, MR_PROMISE by methods that write; MR_STATE_SERIALIZE at the commit
 * for what the serdes cannot write
 * @example
 * ```ts
 * const seen: KeyValueStore<string, number> = context.store('seen')
 * seen.put('a', (seen.get('a') ?? 0) + 1)
 * ```
 */
export interface KeyValueStore<K, V> extends ReadOnlyKeyValueStore<K, V> {
  /** Null deletes. */
  put(key: K, value: V | null): void
  /** Puts unless there is a value already. Returns the value that was there. */
  putIfAbsent(key: K, value: V): V | undefined
  putAll(entries: Iterable<KeyValueStoreEntry<K, V | null>>): void
  /** Returns the value that was there. */
  delete(key: K): V | undefined
}

/** A value with the timestamp (event time, ms) of its latest update. */
export interface ValueAndTimestamp<V> {
  readonly value: V
  readonly timestamp: number
}

/** The store of a table or an aggregation, for reading. */
export type ReadOnlyTimestampedKeyValueStore<K, V> = ReadOnlyKeyValueStore<K, ValueAndTimestamp<V>>

/** The store of a table or an aggregation (KIP-258). */
export interface TimestampedKeyValueStore<K, V> extends ReadOnlyTimestampedKeyValueStore<K, V> {
  /** Null deletes. `timestamp` is event time, ms since the epoch. @throws MR_TIMESTAMP */
  put(key: K, value: V | null, timestamp: number): void
  /** Puts unless there is a value already. Returns the value that was there. */
  putIfAbsent(key: K, value: V, timestamp: number): ValueAndTimestamp<V> | undefined
  /** Returns the value that was there. */
  delete(key: K): ValueAndTimestamp<V> | undefined
}

/** A version of a value: valid from `timestamp` until `validTo` (exclusive; undefined: the latest version). KIP-889. */
export interface VersionedRecord<V> extends ValueAndTimestamp<V> {
  readonly validTo: number | undefined
}

/** A versioned store, for reading (KIP-889). */
export interface ReadOnlyVersionedKeyValueStore<K, V> {
  readonly name: string
  /**
   * Returns the latest version, or the one valid at `asOf` (ms); undefined if there is none, if it was deleted, or if
   * `asOf` is older than the history retained.
   */
  get(key: K, asOf?: number): VersionedRecord<V> | undefined
}

/** A store of past versions, as `versionedKeyValueStore()` declares it or a versioned table has it (KIP-889). */
export interface VersionedKeyValueStore<K, V> extends ReadOnlyVersionedKeyValueStore<K, V> {
  /**
   * Adds a version, a deletion if null, valid from `timestamp` (ms). Returns `rejected` if it is older than the history
   * retained, `historical` if a later version exists, else `latest`.
   *
   * @throws MR_TIMESTAMP
   */
  put(key: K, value: V | null, timestamp: number): 'latest' | 'historical' | 'rejected'
  /** Adds a deletion. Returns the version that was valid then. */
  delete(key: K, timestamp: number): VersionedRecord<V> | undefined
}

/** An entry of a window store; `end` is `start` plus the window's size, `timestamp` -1 in stores without timestamps. */
export interface WindowStoreEntry<K, V> {
  readonly key: K
  readonly start: number
  readonly end: number
  readonly value: V
  readonly timestamp: number
}

/** A window store, for reading. Entries older than the store's retention are not seen. Times in ms, bounds included. */
export interface ReadOnlyWindowStore<K, V> {
  readonly name: string
  get(key: K, start: number): ValueAndTimestamp<V> | undefined
  /** One key's windows that start in [from, to], oldest first. */
  fetch(key: K, from: number, to: number): StoreIterator<WindowStoreEntry<K, V>>
  reverseFetch(key: K, from: number, to: number): StoreIterator<WindowStoreEntry<K, V>>
  /** All keys' windows that start in [from, to], by start, then key bytes. */
  fetchAll(from: number, to: number): StoreIterator<WindowStoreEntry<K, V>>
  reverseFetchAll(from: number, to: number): StoreIterator<WindowStoreEntry<K, V>>
  all(): StoreIterator<WindowStoreEntry<K, V>>
}

/** A window store, as `windowStore()` declares it, or as a windowed aggregation has it. */
export interface WindowStore<K, V> extends ReadOnlyWindowStore<K, V> {
  /** Null deletes. `timestamp`, in stores with timestamps: default that of the current record. @throws MR_TIMESTAMP */
  put(key: K, value: V | null, start: number, timestamp?: number): void
}

/** A session of a key: `start` and `end` are those of its first and last record, ms since the epoch, both included. */
export interface SessionStoreEntry<K, V> {
  readonly key: K
  readonly start: number
  readonly end: number
  readonly value: V
}

/** A session store, for reading. Sessions that ended before its retention are hidden. Times in ms, bounds included. */
export interface ReadOnlySessionStore<K, V> {
  readonly name: string
  get(key: K, start: number, end: number): V | undefined
  /** One key's sessions, by end, then start. */
  fetch(key: K): StoreIterator<SessionStoreEntry<K, V>>
  /** One key's sessions that end at `earliestEnd` or later and start at `latestStart` or earlier. */
  findSessions(key: K, earliestEnd: number, latestStart: number): StoreIterator<SessionStoreEntry<K, V>>
  reverseFindSessions(key: K, earliestEnd: number, latestStart: number): StoreIterator<SessionStoreEntry<K, V>>
  /** All keys' sessions that end in [from, to], by end, start, key bytes. */
  findByEnd(from: number, to: number): StoreIterator<SessionStoreEntry<K, V>>
}

/** A session store, as `sessionStore()` declares it, or as an aggregation of sessions has it. */
export interface SessionStore<K, V> extends ReadOnlySessionStore<K, V> {
  /** Null removes the session. @throws MR_TIMESTAMP */
  put(key: K, value: V | null, start: number, end: number): void
  remove(key: K, start: number, end: number): void
}
