import {
  flag,
  func,
  nested,
  duration,
  oneOf,
  option,
  readMembers,
  readOptions,
  readTopicConfigs,
  text,
  wholeNumber,
  type OptionTable,
  type Place,
  type TableOf,
  type Values,
} from '../../options/options.ts'
import { serde } from '../../serde/serde-option.ts'
import type { ValueMapper } from '../../topology/operator-spec.ts'
import { nameOption } from '../../topology/name-option.ts'
import { isStoreRef, type StoreKind, type StoreRef } from '../../topology/store-ref.ts'
import { isName } from '../../topology/names.ts'
import { shapeOptions, type StoreShape } from '../../topology/store-shape.ts'
import type { StreamPartitioner } from '../../topology/topology.ts'
import type {
  ForeignKeyJoinOptions,
  GroupOptions,
  KeyValueStoreOptions,
  MapAsyncOptions,
  Materialize,
  Named,
  PrintOptions,
  ProcessOptions,
  RepartitionStreamOptions,
  RetryOptions,
  SinkOptions,
  StreamJoinOptions,
  StrictBuffer,
  SuppressOptions,
  TableJoinOptions,
  TimeLimitBuffer,
  TransformOptions,
  WindowStoreOptions,
} from './operator-options.ts'

/* The options of operators. The DSL's own docs say what they mean: no page has tables of these. */

/** Reads the options of an operator. An error names its node, if the options name it. */
export function operatorOptions<Table extends OptionTable>(table: Table, given: unknown, owner: string): Values<Table> {
  const node: unknown = typeof given === 'object' && given !== null && 'name' in given ? given.name : undefined
  return readOptions(table, given, owner, isName(node) ? { node } : {})
}

const name = nameOption({ description: 'name of the processor', code: 'MR_TOPOLOGY_NAME' })
const key = serde({ description: 'serde of the keys', alsoCalled: ['keySerde'] })
const value = serde({ description: 'serde of the values', alsoCalled: ['valueSerde'] })
const partitioner = func<StreamPartitioner>({ description: 'partition that a record is written to' })

const logging = option<boolean | Readonly<Record<string, string>>>(
  '`true`, `false`, configs of the changelog topic',
  { default: true, description: 'whether there is a changelog, and how its topic is made' },
  (given, place) => (typeof given === 'boolean' ? given : readTopicConfigs(given, place)),
)

/** Code of errors about asynchronous steps. */
const CALLS = 'MR_TOPOLOGY_ASYNC'
/** Calls of one task that may run at the same time: each of them may hold a connection. */
const MOST_CALLS = 10_000

export const NAMED = { name } satisfies TableOf<Named>

export const GROUP = { name, key, value } satisfies TableOf<GroupOptions<unknown, unknown>>

const STORE = {
  ...shapeOptions('MR_TOPOLOGY_STORE_OPTION'),
  name,
  type: oneOf<'persistent' | 'memory'>(['persistent', 'memory'], {
    default: 'persistent',
    description: 'on disk, or in memory and its changelog only',
  }),
  caching: flag({ default: true, description: 'whether updates are held back until the next commit' }),
  logging,
  versioned: nested(
    {
      history: duration({
        required: true,
        description: 'how far back versions are kept',
        code: 'MR_DURATION',
        alsoCalled: ['historyRetention'],
      }),
    },
    { description: 'keeps earlier versions of each row' },
  ),
  retention: duration({ description: 'how long windows are kept', code: 'MR_DURATION' }),
} satisfies TableOf<KeyValueStoreOptions & WindowStoreOptions & StoreShape<unknown>>

/** The options of a store that were given, and the reference by which it was named. */
type GivenStore = Partial<Values<typeof STORE>> & { readonly ref?: StoreRef<StoreKind, unknown, unknown> }

const store = option<GivenStore>(
  'name, reference, or `{ name, type, caching, logging, versioned, retention, version, migrate }`',
  { description: 'how the store is kept', code: 'MR_TOPOLOGY_STORE_OPTION', alsoCalled: ['materialized', 'storeName'] },
  readStore,
)

/** The options of operators that may keep their result in a store. */
export const MATERIALIZE = {
  name,
  key,
  value,
  store,
  materialized: flag({ default: false, description: 'draws the number of a generated store name' }),
} satisfies TableOf<Materialize<unknown, unknown>>

/** What the tables of operators with a store have in common. */
export type MaterializeTable = Pick<typeof MATERIALIZE, 'name' | 'key' | 'value' | 'store'> &
  Partial<Pick<typeof MATERIALIZE, 'materialized'>>

/** The options of a table's `transformValues`. */
export const TRANSFORM = {
  ...MATERIALIZE,
  stores: option<readonly string[]>(
    'names',
    { default: [], description: 'stores that the transformer uses' },
    readList,
  ),
} satisfies TableOf<TransformOptions<unknown, unknown>>

export const FOREIGN_KEY_JOIN = {
  ...MATERIALIZE,
  partitioner,
  otherPartitioner: partitioner,
} satisfies TableOf<ForeignKeyJoinOptions<unknown, unknown>>

export const STREAM_JOIN = {
  name,
  key,
  value,
  otherValue: serde({ description: "serde of the other stream's values" }),
  store,
} satisfies TableOf<StreamJoinOptions<unknown, unknown, unknown>>

export const TABLE_JOIN = {
  name,
  key,
  value,
  grace: duration({ description: 'how long records wait for the table', code: 'MR_DURATION' }),
} satisfies TableOf<TableJoinOptions<unknown, unknown>>

export const PROCESS = {
  name,
  stores: option<readonly unknown[]>(
    'names, stores',
    { default: [], description: 'stores that the processor uses' },
    readList,
  ),
} satisfies TableOf<ProcessOptions>

export const REPARTITION = {
  name,
  key,
  value,
  partitions: wholeNumber({ least: 1, description: 'partitions of the topic', code: 'MR_TOPOLOGY_PARTITIONS' }),
  partitioner,
} satisfies TableOf<RepartitionStreamOptions<unknown, unknown>>

export const SINK = { name, key, value, partitioner } satisfies TableOf<SinkOptions<unknown, unknown>>

export const PRINT = {
  name,
  label: text({ description: 'label of each line' }),
  write: func<(line: string) => void>({ description: 'where lines go' }),
  mapper: func<ValueMapper>({ description: 'text of a record' }),
} satisfies TableOf<PrintOptions<unknown, unknown>>

/** The options of the attempts at a call. */
const RETRY = {
  attempts: wholeNumber({ default: 3, least: 1, description: 'attempts at one call, at most', code: CALLS }),
  backoff: duration({ default: 100, description: 'bound of the pause before the second attempt', code: CALLS }),
  maxBackoff: duration({ default: 30_000, description: 'bound of every pause', code: CALLS }),
  retryOn: func<(error: unknown) => boolean>({ description: 'errors that are worth another attempt', code: CALLS }),
} satisfies TableOf<RetryOptions>

/** The options of asynchronous steps. */
export const ASYNC = {
  name,
  key,
  value,
  inputKey: serde({ description: 'serde of the keys of the records that wait' }),
  inputValue: serde({ description: 'serde of the values of the records that wait' }),
  store: nameOption({ description: 'name of the store of records whose call has not ended', code: 'MR_TOPOLOGY_NAME' }),
  concurrency: wholeNumber({
    default: 16,
    least: 1,
    most: MOST_CALLS,
    description: 'calls of one task that run at the same time, at most',
    code: CALLS,
  }),
  timeout: duration({ default: 30_000, least: 1, description: 'bound of one attempt', code: CALLS }),
  retry: nested(RETRY, { description: 'whether and when a call is attempted again' }),
  sameKey: oneOf<'serial' | 'concurrent'>(['serial', 'concurrent'], {
    default: 'serial',
    description: 'whether calls of one key run at the same time',
    code: CALLS,
  }),
  emit: oneOf<'in-order' | 'as-completed'>(['in-order', 'as-completed'], {
    default: 'in-order',
    description: 'the order in which results go on',
    code: CALLS,
  }),
  align: flag({ default: true, description: 'whether records of other inputs wait for calls before a meeting' }),
  drainTimeout: duration({ default: 5_000, description: 'for how long a close waits for running calls', code: CALLS }),
} satisfies TableOf<MapAsyncOptions<unknown, unknown, unknown, unknown>>

export const SUPPRESS = { name, logging } satisfies TableOf<SuppressOptions>

/** The bounds of a buffer that must not emit early. */
export const STRICT_BUFFER = {
  maxRecords: bound('changes held back at most'),
  maxBytes: bound('bytes held back at most'),
} satisfies TableOf<StrictBuffer>

/** The bounds of a buffer that may emit early. */
export const TIME_LIMIT_BUFFER = {
  ...STRICT_BUFFER,
  whenFull: oneOf<'emitEarly' | 'shutDown'>(['emitEarly', 'shutDown'], {
    default: 'emitEarly',
    description: 'what happens beyond a bound',
    code: 'MR_TOPOLOGY_SUPPRESS',
  }),
} satisfies TableOf<TimeLimitBuffer>

function bound(description: string) {
  const about = { default: Infinity, description, code: 'MR_TOPOLOGY_SUPPRESS' }
  return option<number>('whole number', about, (given, place) => {
    if (given === Infinity || (Number.isSafeInteger(given) && Number(given) >= 0)) return Number(given)
    throw place.refuse(given, 'Give a whole number from 0 on, or none.')
  })
}

function readStore(given: unknown, place: Place): GivenStore {
  if (isStoreRef(given)) return { name: given.name, ref: given }
  if (typeof given === 'object' && given !== null && 'name' in given && isStoreRef(given.name)) {
    return { ...readMembers(STORE, { ...given, name: given.name.name }, place), ref: given.name }
  }
  if (typeof given !== 'string') return readMembers(STORE, given, place)
  return { name: name.read(given, place.inner('', { ...name, code: 'MR_TOPOLOGY_NAME' })) ?? given }
}

function readList<T>(given: unknown, place: Place): readonly T[] {
  if (Array.isArray(given)) return given as readonly T[]
  throw place.refuse(given, 'Give a list.')
}
