import { MillraceError } from '../../errors/millrace-error.ts'
import {
  duration,
  flag,
  oneOf,
  option,
  readOptions,
  readTopicConfigs,
  type Duration,
  type TableOf,
  type Values,
} from '../../options/options.ts'
import { serde } from '../../serde/serde-option.ts'
import type { Serde } from '../../serde/serde.ts'
import { shapedSpec, shapeOf, shapeOptions, type StoreShape } from '../../topology/store-shape.ts'
import type {
  KeyValueStoreSpec,
  SessionStoreSpec,
  StoreSpecBase,
  VersionedStoreSpec,
  WindowStoreSpec,
} from '../../topology/store-spec.ts'

/** Options of every store that a processor uses. */
export interface StoreBuilderOptions<K, V> extends StoreShape<V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
  /** `memory`: held in memory and its changelog only. Default `persistent`. */
  readonly type?: 'persistent' | 'memory'
  /** False: no changelog; the content is lost when the task moves. An object: configs for the changelog topic. */
  readonly logging?: boolean | Readonly<Record<string, string>>
}

/** Options of a window store. */
export interface WindowStoreBuilderOptions<K, V> extends StoreBuilderOptions<K, V> {
  /** How long after the newest window's start a window is kept; at least `windowSize`. */
  readonly retention: Duration
  readonly windowSize: Duration
  /** True: every put adds an entry, even for the same key and start. */
  readonly retainDuplicates?: boolean
}

/** Options of a session store. */
export interface SessionStoreBuilderOptions<K, V> extends StoreBuilderOptions<K, V> {
  /** How long after the newest session's end a session is kept. */
  readonly retention: Duration
}

/** Options of a versioned store. */
export interface VersionedStoreBuilderOptions<K, V> extends Omit<StoreBuilderOptions<K, V>, 'type'> {
  /** How far back past versions can be read, and late ones added. */
  readonly history: Duration
}

const CODE = 'MR_STORE_INVALID'

const VERSIONED_BASE = {
  ...shapeOptions(CODE),
  key: serde({ required: true, description: 'serde of the keys', code: CODE, alsoCalled: ['keySerde'] }),
  value: serde({ required: true, description: 'serde of the values', code: CODE, alsoCalled: ['valueSerde'] }),
  logging: option<boolean | Readonly<Record<string, string>>>(
    '`true`, `false`, configs of the changelog topic',
    { default: true, description: 'whether there is a changelog, and how its topic is made', code: CODE },
    (given, place) => (typeof given === 'boolean' ? given : readTopicConfigs(given, place)),
  ),
}

const KEY_VALUE = {
  ...VERSIONED_BASE,
  type: oneOf<'persistent' | 'memory'>(['persistent', 'memory'], {
    default: 'persistent',
    description: 'on disk, or in memory and its changelog only',
    code: CODE,
  }),
} satisfies TableOf<StoreBuilderOptions<unknown, unknown>>

const retention = duration({ required: true, description: 'how long entries are kept', code: 'MR_DURATION' })

const SESSION = { ...KEY_VALUE, retention } satisfies TableOf<SessionStoreBuilderOptions<unknown, unknown>>

const WINDOW = {
  ...SESSION,
  windowSize: duration({ required: true, description: 'how long windows are', code: 'MR_DURATION' }),
  retainDuplicates: flag({ default: false, description: 'whether every put adds an entry', code: CODE }),
} satisfies TableOf<WindowStoreBuilderOptions<unknown, unknown>>

const VERSIONED = {
  ...VERSIONED_BASE,
  history: duration({
    required: true,
    description: 'how far back past versions are kept',
    code: 'MR_DURATION',
    alsoCalled: ['historyRetention'],
  }),
} satisfies TableOf<VersionedStoreBuilderOptions<unknown, unknown>>

/**
 * Declares a key-value store for `process` (`KeyValueStore<K, V>` in the processor).
 *
 * @throws MR_CONFIG for an unknown option; MR_STORE_INVALID for an impossible name or missing serdes
 * @example
 * ```ts
 * const seen = keyValueStore('seen', { key: string(), value: json<Order>() })
 * orders.process(() => new Dedupe(), { stores: [seen] })
 * ```
 */
export function keyValueStore<K, V>(name: string, options: StoreBuilderOptions<K, V>): KeyValueStoreSpec {
  return { kind: 'keyValue', ...base(name, readOptions(KEY_VALUE, options, 'keyValueStore()')), timestamped: false }
}

/** As `keyValueStore`, with a timestamp beside each value (`TimestampedKeyValueStore<K, V>`, KIP-258). */
export function timestampedKeyValueStore<K, V>(name: string, options: StoreBuilderOptions<K, V>): KeyValueStoreSpec {
  const read = readOptions(KEY_VALUE, options, 'timestampedKeyValueStore()')
  return { kind: 'keyValue', ...base(name, read), timestamped: true }
}

/**
 * Declares a store that keeps past versions (`VersionedKeyValueStore<K, V>`, KIP-889).
 *
 * @throws MR_CONFIG for an unknown option; MR_STORE_INVALID, MR_DURATION
 * @example
 * ```ts
 * const prices = versionedKeyValueStore('prices', { key: string(), value: long(), history: '7d' })
 * ```
 */
export function versionedKeyValueStore<K, V>(
  name: string,
  options: VersionedStoreBuilderOptions<K, V>,
): VersionedStoreSpec {
  const { history, ...read } = readOptions(VERSIONED, options, 'versionedKeyValueStore()')
  return { kind: 'versioned', ...base(name, read), historyRetention: history }
}

/**
 * Declares a window store (`WindowStore<K, V>`).
 *
 * @throws MR_CONFIG for an unknown option; MR_STORE_INVALID if the retention is shorter than the windows; MR_DURATION
 * @example
 * ```ts
 * const readings = windowStore('readings', { key: string(), value: float64(), windowSize: '1m', retention: '1h' })
 * ```
 */
export function windowStore<K, V>(name: string, options: WindowStoreBuilderOptions<K, V>): WindowStoreSpec {
  const { retention, windowSize, retainDuplicates, ...read } = readOptions(WINDOW, options, 'windowStore()')
  if (retention < windowSize) {
    throw invalid(
      name,
      `retention ${retention} ms is shorter than the window of ${windowSize} ms`,
      'Raise `retention`.',
    )
  }
  return {
    kind: 'window',
    ...base(name, read),
    timestamped: false,
    retention,
    inclusiveRetention: false,
    windowSize,
    retainDuplicates,
    timeOrdered: false,
  }
}

/**
 * Declares a session store (`SessionStore<K, V>`).
 *
 * @throws MR_CONFIG for an unknown option; MR_STORE_INVALID, MR_DURATION
 * @example
 * ```ts
 * const visits = sessionStore('visits', { key: string(), value: long(), retention: '1d' })
 * ```
 */
export function sessionStore<K, V>(name: string, options: SessionStoreBuilderOptions<K, V>): SessionStoreSpec {
  const { retention, ...read } = readOptions(SESSION, options, 'sessionStore()')
  return { kind: 'session', ...base(name, read), retention, timeOrdered: false }
}

type BaseOptions = Omit<Values<typeof KEY_VALUE>, 'type'> & Partial<Pick<Values<typeof KEY_VALUE>, 'type'>>

function base(name: string, options: BaseOptions): StoreSpecBase {
  const { key, value, type = 'persistent', logging } = options
  if (typeof name !== 'string' || !/^[A-Za-z0-9._-]{1,200}$/.test(name)) {
    throw invalid(name, 'the name cannot be that of a topic', 'Use letters, digits, dots, dashes and underscores.')
  }
  const shape = shapeOf(options, (problem) => invalid(name, `it ${problem}`, 'Give `version`, and `migrate` with it.'))
  return {
    name,
    keySerde: key,
    ...shapedSpec(name, value, shape),
    persistent: type === 'persistent',
    logging: logging === true ? {} : logging,
    caching: false,
  }
}

function invalid(name: unknown, message: string, hint: string): MillraceError {
  return new MillraceError('MR_STORE_INVALID', `store ${String(name)}: ${message}`, { store: String(name), hint })
}
