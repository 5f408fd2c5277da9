import type { Serde } from '../serde/serde.ts'
import {
  minimumRetention,
  type HoppingWindows,
  type JoinWindows,
  type PeriodWindows,
  type SessionWindows,
  type SlidingWindows,
  type TumblingWindows,
  type UnlimitedWindows,
} from '../windowing/windows.ts'
import type { CallContext } from './call-context.ts'
import type { FixedKeyProcessorSupplier, ProcessorSupplier, ValueTransformerSupplier } from './processor-api.ts'

/*
 * What an operator does, as data: made by the DSL, kept in the topology, turned into a running operator by
 * `operators/create/create-operator.ts`. User functions get the value first, then the key. Types are erased: the DSL
 * has checked them.
 *
 * A new operator is a file in `operators/`, a member of `OperatorSpec`, its traits, its constructor in
 * `create-operator.ts`, and what adds it to the graph (`dsl/nodes/`) under a method: the compiler asks for each.
 */

export type ValueMapper = (value: unknown, key: unknown) => unknown
export type PairMapper = (value: unknown, key: unknown) => readonly [key: unknown, value: unknown]
export type Predicate = (value: unknown, key: unknown) => boolean
export type Initializer = () => unknown
export type Aggregator = (aggregate: unknown, value: unknown, key: unknown) => unknown
export type Reducer = (aggregate: unknown, value: unknown) => unknown
/** Merges two sessions' aggregates. */
export type Merger = (aggregate: unknown, other: unknown, key: unknown) => unknown
export type Joiner = (left: unknown, right: unknown, key: unknown) => unknown

/** How an aggregation takes in a record: `reduce` starts from the first value itself. */
export type Folding =
  | { readonly kind: 'count' }
  | { readonly kind: 'reduce'; readonly reducer: Reducer }
  | { readonly kind: 'aggregate'; readonly initializer: Initializer; readonly aggregator: Aggregator }

/** How the current value of a table is looked up: in a store, or computed from the tables it was derived from. */
export type TableView =
  | {
      readonly kind: 'store'
      readonly store: string
      readonly storeKind: 'keyValue' | 'versioned' | 'window' | 'period' | 'session'
    }
  | { readonly kind: 'filter'; readonly of: TableView; readonly predicate: Predicate; readonly not: boolean }
  | { readonly kind: 'mapValues'; readonly of: TableView; readonly mapper: ValueMapper }
  | {
      readonly kind: 'transformValues'
      readonly of: TableView
      readonly supplier: ValueTransformerSupplier<unknown, unknown, unknown>
      readonly stores: readonly string[]
    }
  | {
      readonly kind: 'join'
      readonly join: JoinKind
      readonly left: TableView
      readonly right: TableView
      readonly joiner: Joiner
    }
  /** A suppressed table: for a key held back, the value before its first change held back, else that of the table. */
  | { readonly kind: 'suppress'; readonly buffer: string; readonly of: TableView }

/** Calls a service of the user's own for a record. It may return the result itself, or a promise of it. */
export type AsyncFunction = (value: unknown, key: unknown, context: CallContext) => unknown

/** How an asynchronous step makes its calls. Times in ms. */
export interface CallPolicy {
  /** Calls that run at the same time, at most. */
  readonly concurrency: number
  /** Bound of one attempt; Infinity: none. */
  readonly timeout: number
  /** Attempts at one call, at most. */
  readonly attempts: number
  /** Bound of the pause before the second attempt. It doubles from attempt to attempt, up to `maxBackoff`. */
  readonly backoff: number
  readonly maxBackoff: number
  readonly retryOn: ((error: unknown) => boolean) | undefined
  /** `serial`: the next call of a key begins when the one before has ended. */
  readonly sameKey: 'serial' | 'concurrent'
  readonly emit: 'in-order' | 'as-completed'
  /** For how long a close waits for the calls that run. */
  readonly drainTimeout: number
}

export type JoinKind = 'inner' | 'left' | 'outer'

export type OperatorSpec =
  // ---- stateless, on streams
  | { readonly op: 'filter'; readonly predicate: Predicate; readonly not: boolean }
  | { readonly op: 'map'; readonly mapper: PairMapper }
  | { readonly op: 'mapValues'; readonly mapper: ValueMapper }
  | { readonly op: 'flatMap'; readonly mapper: (value: unknown, key: unknown) => Iterable<readonly [unknown, unknown]> }
  | { readonly op: 'flatMapValues'; readonly mapper: (value: unknown, key: unknown) => Iterable<unknown> }
  | { readonly op: 'selectKey'; readonly mapper: ValueMapper }
  | { readonly op: 'peek'; readonly action: (value: unknown, key: unknown) => void }
  | { readonly op: 'forEach'; readonly action: (value: unknown, key: unknown) => void }
  /** Writes `[label]: key, value` lines. */
  | {
      readonly op: 'print'
      readonly label: string
      readonly write: (line: string) => void
      readonly mapper?: ValueMapper
    }
  /** `mapAsync`, `mapValuesAsync`, `flatMapValuesAsync`, `forEachAsync`. */
  | {
      readonly op: 'async'
      readonly form: 'map' | 'mapValues' | 'flatMapValues' | 'forEach'
      readonly call: AsyncFunction
      readonly store: string
      /** False: records of other inputs do not wait for calls before a place where both meet. */
      readonly align: boolean
      readonly policy: CallPolicy
    }
  /** `merge`, branch ends, cogroup's merge. */
  | { readonly op: 'passThrough' }
  /** Sends to the first child whose predicate holds (child i for predicate i), else to the default child, if any. */
  | {
      readonly op: 'branch'
      readonly predicates: readonly Predicate[]
      readonly children: readonly string[]
      readonly defaultChild: string | null
    }
  /** Runs before a repartition sink; drops null keys unless a left or outer join lies downstream. */
  | { readonly op: 'repartitionFilter'; readonly dropNullKeys: boolean }
  | {
      readonly op: 'process'
      readonly supplier: ProcessorSupplier<unknown, unknown, unknown, unknown>
      readonly stores: readonly string[]
    }
  | {
      readonly op: 'processValues'
      readonly supplier: FixedKeyProcessorSupplier<unknown, unknown, unknown>
      readonly stores: readonly string[]
    }
  // ---- aggregations of streams
  | { readonly op: 'aggregate'; readonly store: string; readonly folding: Folding; readonly sendOldValues: boolean }
  | {
      readonly op: 'windowAggregate'
      readonly store: string
      readonly windows: TumblingWindows | HoppingWindows | UnlimitedWindows
      readonly folding: Folding
      readonly emitOnClose: boolean
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'periodAggregate'
      readonly store: string
      readonly windows: PeriodWindows
      readonly folding: Folding
      readonly emitOnClose: boolean
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'slidingAggregate'
      readonly store: string
      readonly windows: SlidingWindows
      readonly folding: Folding
      readonly emitOnClose: boolean
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'sessionAggregate'
      readonly store: string
      readonly windows: SessionWindows
      readonly folding: Folding
      readonly merger: Merger
      readonly emitOnClose: boolean
      readonly sendOldValues: boolean
    }
  // ---- tables (records carry a Change)
  /** `table()` and `toTable()`: upserts by key. `store` null: not materialized, forwards without old values. */
  | {
      readonly op: 'tableSource'
      readonly store: string | null
      readonly versioned: boolean
      readonly sendOldValues: boolean
    }
  /** Keeps a global table's store up to date; ends there. */
  | { readonly op: 'globalTableSource'; readonly store: string }
  /** Keeps a global store up to date, by a processor of the user's own. */
  | {
      readonly op: 'globalProcess'
      readonly store: string
      readonly supplier: ProcessorSupplier<unknown, unknown, never, never>
    }
  | {
      readonly op: 'tableFilter'
      readonly predicate: Predicate
      readonly not: boolean
      /** The result's store, if it has one of its own. */
      readonly store: string | null
      readonly versioned: boolean
      readonly sendOldValues: boolean
      /** True if the parent sends old values, so that useless tombstones can be left out. */
      readonly parentSendsOldValues: boolean
    }
  | {
      readonly op: 'tableMapValues'
      readonly mapper: ValueMapper
      readonly store: string | null
      readonly versioned: boolean
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'tableTransformValues'
      readonly supplier: ValueTransformerSupplier<unknown, unknown, unknown>
      readonly stores: readonly string[]
      readonly store: string | null
      readonly versioned: boolean
      readonly sendOldValues: boolean
    }
  | { readonly op: 'tableToStream' }
  /** Sends the old and new value of each change to the repartition topic of a table's groupBy. */
  | { readonly op: 'tableGroupBy'; readonly mapper: PairMapper }
  | {
      readonly op: 'tableAggregate'
      readonly store: string
      readonly initializer: Initializer
      readonly adder: Aggregator
      readonly subtractor: Aggregator
      readonly sendOldValues: boolean
    }
  | {
      readonly op: 'tableReduce'
      readonly store: string
      readonly adder: Reducer
      readonly subtractor: Reducer
      readonly sendOldValues: boolean
    }
  /** One side of a table-table join; forwards Changes to the join's merge node. */
  | {
      readonly op: 'tableJoin'
      readonly join: JoinKind
      readonly side: 'left' | 'right'
      readonly other: TableView
      readonly joiner: Joiner
      readonly otherVersioned: boolean
      readonly versioned: boolean
      readonly sendOldValues: boolean
    }
  /** Where both sides of a table-table join meet; puts into the result's store, if it has one. */
  | { readonly op: 'tableJoinMerge'; readonly store: string | null; readonly sendOldValues: boolean }
  | {
      readonly op: 'suppress'
      readonly store: string
      /** `windowClose`: buffer time is the window's end, tombstones dropped. `timeLimit`: that of the first change. */
      readonly mode: 'windowClose' | 'timeLimit'
      /** ms by which stream time must exceed the buffer time. */
      readonly wait: number
      /** ms by which the time of a change may be before the end of its window; 0 for `timeLimit`. */
      readonly windowSize: number
      /** True for windows that include their end (sliding, session): they are final once stream time is beyond it. */
      readonly inclusiveEnd: boolean
      readonly maxRecords: number
      readonly maxBytes: number
      readonly whenFull: 'emitEarly' | 'shutDown'
    }
  // ---- joins of streams
  /** KSTREAM-WINDOWED: forwards the record, then puts it into this side's window store. */
  | { readonly op: 'joinWindow'; readonly store: string }
  | {
      readonly op: 'streamJoin'
      readonly join: JoinKind
      readonly side: 'left' | 'right'
      readonly otherStore: string
      readonly outerStore: string | null
      readonly windows: JoinWindows
      readonly joiner: Joiner
      /** Nodes of one join share their stream time by this name. */
      readonly timeKey: string
    }
  /** Optimized self-join: one window store, one node. */
  | { readonly op: 'streamSelfJoin'; readonly store: string; readonly windows: JoinWindows; readonly joiner: Joiner }
  | {
      readonly op: 'streamTableJoin'
      readonly join: 'inner' | 'left'
      readonly table: TableView
      readonly tableVersioned: boolean
      readonly joiner: Joiner
      /** Store name of the buffer, if the join has a grace period. */
      readonly buffer: string | null
      readonly grace: number
    }
  | {
      readonly op: 'streamGlobalTableJoin'
      readonly join: 'inner' | 'left'
      readonly table: TableView
      readonly keyMapper: ValueMapper
      readonly joiner: Joiner
    }
  // ---- foreign-key join
  /** Left side: sends subscriptions; forwards (foreign key, SubscriptionMessage). */
  | {
      readonly op: 'foreignKeySubscribe'
      readonly join: 'inner' | 'left'
      readonly extractor: ValueMapper
      readonly foreignKeySerde: Serde<unknown>
      readonly valueSerde: Serde<unknown>
      readonly leftVersioned: boolean
    }
  /** Right side: keeps subscriptions; forwards (foreign key, Change<SubscriptionMessage>). */
  | {
      readonly op: 'foreignKeyReceive'
      readonly store: string
      readonly foreignKeySerde: Serde<unknown>
      readonly primaryKeySerde: Serde<unknown>
    }
  /** Right side: responds to a subscription with the current right value; forwards (primary key, ResponseMessage). */
  | { readonly op: 'foreignKeyAnswer'; readonly right: TableView; readonly rightVersioned: boolean }
  /** Right side: responds with a changed right record to every subscription to it. */
  | {
      readonly op: 'foreignKeyNotify'
      readonly store: string
      readonly foreignKeySerde: Serde<unknown>
      readonly primaryKeySerde: Serde<unknown>
      readonly rightVersioned: boolean
    }
  /** Left side again: joins a response with the current left value if the hash still fits; forwards Changes. */
  | {
      readonly op: 'foreignKeyResolve'
      readonly join: 'inner' | 'left'
      readonly left: TableView
      readonly joiner: Joiner
      readonly valueSerde: Serde<unknown>
      readonly leftVersioned: boolean
    }

export type OperatorName = OperatorSpec['op']
export type SpecOf<Name extends OperatorName> = Extract<OperatorSpec, { readonly op: Name }>
export type OperatorSpecs = { readonly [Name in OperatorName]: SpecOf<Name> }

/** What others must know of an operator. */
export interface OperatorTraits {
  /** Forwards the value that it was given, if it forwards anything. */
  readonly keepsValue: boolean
  /** Forwards a new record; else, in Kafka Streams, the very record that it was given, with its headers. */
  readonly makesRecord: boolean
  /** False: asks only whether there is a value. */
  readonly readsValue: boolean
  /** ms by which forwarded records may be older than stream time: they wait for a window to close, or for a grace. */
  readonly holdsBack: number
}

const handsOn = (): OperatorTraits => ({ keepsValue: true, makesRecord: false, readsValue: true, holdsBack: 0 })
const makes = (): OperatorTraits => ({ keepsValue: false, makesRecord: true, readsValue: true, holdsBack: 0 })
const folds = ({ folding }: { readonly folding: Folding }): OperatorTraits => ({
  ...makes(),
  readsValue: folding.kind !== 'count',
})
const foldsWindows = (spec: SpecOf<`${'window' | 'period' | 'sliding' | 'session'}Aggregate`>): OperatorTraits => ({
  ...folds(spec),
  holdsBack: spec.emitOnClose ? minimumRetention(spec.windows) : 0,
})

/** An operator without traits does not compile. */
const TRAITS: { readonly [Name in OperatorName]: (spec: OperatorSpecs[Name]) => OperatorTraits } = {
  filter: handsOn,
  map: makes,
  mapValues: makes,
  flatMap: makes,
  flatMapValues: makes,
  selectKey: () => ({ ...makes(), keepsValue: true }),
  peek: handsOn,
  forEach: makes,
  print: makes,
  async: makes,
  passThrough: handsOn,
  branch: handsOn,
  repartitionFilter: handsOn,
  process: () => ({ ...makes(), makesRecord: false }),
  processValues: makes,
  aggregate: folds,
  windowAggregate: foldsWindows,
  periodAggregate: foldsWindows,
  slidingAggregate: foldsWindows,
  sessionAggregate: foldsWindows,
  tableSource: makes,
  globalTableSource: makes,
  globalProcess: makes,
  tableFilter: makes,
  tableMapValues: makes,
  tableTransformValues: makes,
  tableToStream: makes,
  tableGroupBy: makes,
  tableAggregate: makes,
  tableReduce: makes,
  tableJoin: makes,
  tableJoinMerge: makes,
  suppress: ({ wait, windowSize }) => ({ ...makes(), holdsBack: wait + windowSize }),
  joinWindow: () => ({ ...makes(), makesRecord: false }),
  streamJoin: ({ join, windows: { before, after, grace } }) => ({
    ...makes(),
    holdsBack: join === 'inner' ? 0 : Math.max(before, after) + grace,
  }),
  streamSelfJoin: makes,
  streamTableJoin: ({ buffer, grace }) => ({ ...makes(), holdsBack: buffer === null ? 0 : grace }),
  streamGlobalTableJoin: makes,
  foreignKeySubscribe: makes,
  foreignKeyReceive: makes,
  foreignKeyAnswer: makes,
  foreignKeyNotify: makes,
  foreignKeyResolve: makes,
}

export function traitsOf(spec: OperatorSpec): OperatorTraits {
  return lookUp(spec.op, spec)
}

function lookUp<Name extends OperatorName>(name: Name, spec: OperatorSpecs[Name]): OperatorTraits {
  return TRAITS[name](spec)
}
