import { MillraceError } from '../errors.ts'
import type { Serde } from '../serde/serde.ts'
import { parseDuration, type Duration } from '../windowing/index.ts'
import type {
  KeyValueStoreSpec,
  SessionStoreSpec,
  StoreSpecBase,
  VersionedStoreSpec,
  WindowStoreSpec,
} from './store-spec.ts'

/** What is said of every store that a processor uses. */
export interface StoreBuilderOptions<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** `memory`: held in memory and its changelog only. Default `persistent`. */
  readonly type?: 'persistent' | 'memory'
  /** False: no changelog, so that the store's content is lost when its task moves. Or topic configs of the changelog. */
  readonly logging?: boolean | Readonly<Record<string, string>>
}

/** What is said of a window store. */
export interface WindowStoreBuilderOptions<K, V> extends StoreBuilderOptions<K, V> {
  /** How long after the newest window's start a window is kept; at least `windowSize`. */
  readonly retention: Duration
  readonly windowSize: Duration
  /** True: every put adds an entry, even of the same key and start. */
  readonly retainDuplicates?: boolean
}

/** What is said of a session store. */
export interface SessionStoreBuilderOptions<K, V> extends StoreBuilderOptions<K, V> {
  /** How long after the newest session's end a session is kept. */
  readonly retention: Duration
}

/** What is said of a versioned store. */
export interface VersionedStoreBuilderOptions<K, V> extends Omit<StoreBuilderOptions<K, V>, 'type'> {
  /** How far back past versions can be asked for, and late ones added. */
  readonly history: Duration
}

/**
 * Declares a key-value store for `process` (`KeyValueStore<K, V>` in the processor).
 *
 * @throws MR_STORE_INVALID for an impossible name or missing serdes
 * @example
 * ```ts
 * const seen = keyValueStore('seen', { key: string(), value: json<Order>() })
 * orders.process(() => new Dedupe(), { stores: [seen] })
 * ```
 */
export function keyValueStore<K, V>(name: string, options: StoreBuilderOptions<K, V>): KeyValueStoreSpec {
  return { kind: 'keyValue', ...base(name, options), timestamped: false }
}

/** As `keyValueStore`, with a timestamp beside each value (`TimestampedKeyValueStore<K, V>`, KIP-258). @throws MR_STORE_INVALID */
export function timestampedKeyValueStore<K, V>(name: string, options: StoreBuilderOptions<K, V>): KeyValueStoreSpec {
  return { kind: 'keyValue', ...base(name, options), timestamped: true }
}

/**
 * Declares a store that keeps past versions (`VersionedKeyValueStore<K, V>`, KIP-889).
 *
 * @throws MR_STORE_INVALID, MR_DURATION
 * @example
 * ```ts
 * const prices = versionedKeyValueStore('prices', { key: string(), value: long(), history: '7d' })
 * ```
 */
export function versionedKeyValueStore<K, V>(
  name: string,
  options: VersionedStoreBuilderOptions<K, V>,
): VersionedStoreSpec {
  return { kind: 'versioned', ...base(name, options), historyRetention: parseDuration(options.history, 'history') }
}

/**
 * Declares a window store (`WindowStore<K, V>`).
 *
 * @throws MR_STORE_INVALID if the retention is shorter than the windows; MR_DURATION
 * @example
 * ```ts
 * const readings = windowStore('readings', { key: string(), value: float64(), windowSize: '1m', retention: '1h' })
 * ```
 */
export function windowStore<K, V>(name: string, options: WindowStoreBuilderOptions<K, V>): WindowStoreSpec {
  const retention = parseDuration(options.retention, 'retention')
  const windowSize = parseDuration(options.windowSize, 'windowSize')
  if (retention < windowSize) {
    throw invalid(
      name,
      `retention ${retention} ms is shorter than the window of ${windowSize} ms`,
      'Raise `retention`.',
    )
  }
  return {
    kind: 'window',
    ...base(name, options),
    timestamped: false,
    retention,
    inclusiveRetention: false,
    windowSize,
    retainDuplicates: options.retainDuplicates ?? false,
    timeOrdered: false,
  }
}

/**
 * Declares a session store (`SessionStore<K, V>`).
 *
 * @throws MR_STORE_INVALID, MR_DURATION
 * @example
 * ```ts
 * const visits = sessionStore('visits', { key: string(), value: long(), retention: '1d' })
 * ```
 */
export function sessionStore<K, V>(name: string, options: SessionStoreBuilderOptions<K, V>): SessionStoreSpec {
  return {
    kind: 'session',
    ...base(name, options),
    retention: parseDuration(options.retention, 'retention'),
    timeOrdered: false,
  }
}

function base<K, V>(name: string, options: StoreBuilderOptions<K, V>): StoreSpecBase {
  if (typeof name !== 'string' || !/^[A-Za-z0-9._-]{1,200}$/.test(name)) {
    throw invalid(name, 'the name cannot be that of a topic', 'Use letters, digits, dots, dashes and underscores.')
  }
  for (const part of ['key', 'value'] as const) {
    if (typeof options?.[part]?.serialize !== 'function') {
      throw invalid(name, `the option "${part}" is not a serde`, `Give it one: { ${part}: string() }.`)
    }
  }
  const { key, value, type = 'persistent', logging = true } = options
  return {
    name,
    keySerde: erased(key),
    valueSerde: erased(value),
    persistent: type === 'persistent',
    logging: logging === true ? {} : logging,
    caching: false,
  }
}

/** Where types end: the store's own methods, typed by the processor that asks for it, hand the serde what it takes. */
function erased<T>(serde: Serde<T>): Serde<unknown> {
  return serde as Serde<unknown>
}

function invalid(name: unknown, message: string, hint: string): MillraceError {
  return new MillraceError('MR_STORE_INVALID', `store ${String(name)}: ${message}`, { store: String(name), hint })
}
