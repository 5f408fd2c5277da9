// What `import … from 'millrace'` gives: names and signatures.
// Written by `npx vitest run test/architecture/api.test.ts -u`.

export interface Answer<V> {
  readonly value: V | undefined
  readonly timestamp: number
  readonly partition: number
  readonly role: 'active' | 'standby' | 'global'
  readonly consistency: Consistency
  readonly lag: number
  readonly age: number
  readonly position: Position
}

export interface AppConfig {
  readonly id: string
  readonly build: (builder: StreamsBuilder) => NoPromise
  readonly guarantee?: Guarantee
  readonly commitInterval?: Duration
  readonly memory?: ByteSize
  readonly cacheBytes?: ByteSize
  readonly idleAfter?: Duration
  readonly maxTaskIdle?: Duration
  readonly bufferedRecordsPerPartition?: number
  readonly threads?: number
  readonly standbyReplicas?: number
  readonly taskTimeout?: Duration
  readonly replicationFactor?: number
  readonly onDeserializationError?: ErrorHandler
  readonly onProcessingError?: ErrorHandler
  readonly onProductionError?: ErrorHandler
  readonly onUncaughtError?: UncaughtErrorHandler
  readonly deadLetterTopic?: string
  readonly logger?: Logger
  readonly logValues?: boolean
  readonly tracing?: Tracing
  readonly defaults?: {
    readonly key?: Serde<unknown>
    readonly value?: Serde<unknown>
  }
  readonly optimize?: 'none' | 'all' | Optimization | readonly Optimization[]
  readonly compatibility?: 'kafka-streams-4.3'
  readonly strictNaming?: boolean
  readonly windowStoreChangelogAdditionalRetention?: Duration
  readonly topicConfigs?: Readonly<Record<string, string>>
}

export interface Application {
  readonly id: string
  readonly settings: Settings
  topology(): Topology
}

export interface ApplicationReset {
  readonly app: string
  readonly offsets: readonly {
    readonly topic: string
    readonly partition: number
    readonly offset: number
  }[]
  readonly internalTopics: readonly string[]
  readonly otherTopics: readonly string[]
  readonly stateDirectory: string | undefined
}

export interface AsyncOptions<K, V> extends Named {
  readonly concurrency?: number
  readonly timeout?: Duration
  readonly retry?: RetryOptions
  readonly sameKey?: 'serial' | 'concurrent'
  readonly emit?: 'in-order' | 'as-completed'
  readonly align?: boolean
  readonly drainTimeout?: Duration
  readonly store?: string
  readonly inputKey?: Serde<K>
  readonly inputValue?: Serde<NonNullable<V>>
}

export interface BranchOptions<K, V, Name extends string = string, R extends Used = Used> {
  readonly name?: Name
  readonly use?: (branch: KStream<K, V>) => R
}

export class BranchedKStream<K, V, Prefix extends string = string, Declared extends readonly Branch[] = readonly []> {
  private constructor()
  branch<S extends V, Name extends string = Ordinal<Declared>, R extends Used = KStream<K, S>>(
    predicate: (value: V, key: K) => value is S,
    options?: BranchOptions<K, S, Name, R>,
  ): BranchedKStream<K, Exclude<V, S>, Prefix, readonly [...Declared, readonly [`${Prefix}${Name}`, R]]>
  branch<Name extends string = Ordinal<Declared>, R extends Used = KStream<K, V>>(
    predicate: (value: V, key: K) => boolean,
    options?: BranchOptions<K, V, Name, R>,
  ): BranchedKStream<K, V, Prefix, readonly [...Declared, readonly [`${Prefix}${Name}`, R]]>
  defaultBranch<Name extends string = '0', R extends Used = KStream<K, V>>(
    options?: BranchOptions<K, V, Name, R>,
  ): Branches<StreamsOf<Declared[number] | readonly [`${Prefix}${Name}`, R]>>
  noDefaultBranch(): Branches<StreamsOf<Declared[number]>>
}

export interface Branches<Streams extends object> extends Omit<
  ReadonlyMap<keyof Streams & string, NonNullable<Streams[keyof Streams]>>,
  'get'
> {
  get<Name extends keyof Streams & string>(name: Name): Streams[Name]
}

export type ByteSize = number | string

export interface CalendarOptions {
  readonly timeZone: string
  readonly weekStart?: Weekday
  readonly grace?: Duration
}

export type CalendarUnit = 'day' | 'week' | 'month'

export interface CallContext {
  readonly signal: AbortSignal
  readonly idempotencyKey: string
  readonly attempt: number
  readonly headers: Headers
  readonly timestamp: number
}

export interface Cancellable {
  cancel(): void
}

export class CogroupedKStream<K, A> {
  private constructor()
  cogroup<V>(
    group: KGroupedStream<K, V>,
    aggregator: (aggregate: A, value: NonNullable<V>, key: K) => A,
  ): CogroupedKStream<K, A>
  aggregate(initializer: () => Settled<A>, options?: Materialize<K, A>): KTable<K, A>
  windowedBy(windows: TimeWindows | SlidingWindows): TimeWindowedCogroupedKStream<K, A>
  windowedBy(windows: SessionWindows): SessionWindowedCogroupedKStream<K, A>
}

export interface CommittedOffset {
  readonly offset: number
  readonly metadata: string
}

export interface Companion {
  readonly name: string
  start(streams: CompanionHost): Promise<void> | void
  stop(): Promise<void> | void
  status(): object
  checks?(): readonly HealthCheck[]
}

export interface CompanionHost {
  readonly app: Application
  readonly topology: Topology
  readonly log: Log
  readonly state: StreamsState
  readonly closed: Promise<void>
  whenRunning(): Promise<void>
  store<Kind extends StoreKind, K, V>(ref: StoreRef<Kind, K, V>): ViewsByKind<K, V>[Kind]
  store<
    View extends {
      readonly name: string
    },
  >(
    name: string,
  ): View
  stores<S>(name: string): S[]
  status(): StreamsStatus
  health(): Health
  metrics(options?: MetricsOptions): MetricsSnapshot
  attach(companion: Companion): Promise<void>
  detach(companion: Companion): Promise<void>
  instances(): Instance[]
  close(): Promise<void>
}

export type Consistency = 'committed' | 'latest'

export interface DeadLetter {
  readonly kind: 'dead-letter'
  readonly id: string
  readonly origin: DeadLetterOrigin
  readonly code: string | undefined
  readonly node: string | undefined
  readonly task: string | undefined
  readonly exception: string
  readonly message: string
  readonly stack: string
  readonly headers: Headers
  readonly key: DeadLetterPart
  readonly value: DeadLetterPart
  readonly replayed: boolean | undefined
}

export interface DeadLetterOrigin {
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
}

export interface DeadLetterPart {
  readonly bytes: Buffer | null
  readonly value: unknown
  readonly error: string | undefined
}

export interface DeadLetterPatch {
  readonly key?: unknown
  readonly value?: unknown
  readonly headers?: Readonly<Record<string, string | null>>
}

export interface DeadLetterReplay {
  readonly id: string
  readonly topic: string
  readonly partition: number
  readonly timestamp: number
  readonly headers: Headers
  readonly key: Buffer | null
  readonly value: Buffer | null
}

export type DropReason =
  | 'null-key'
  | 'null-value'
  | 'null-foreign-key'
  | 'late'
  | 'late-after-idle'
  | 'expired'
  | 'out-of-order-version'
  | 'stale-response'
  | 'deserialization'
  | 'processing'
  | 'production'
  | 'negative-timestamp'
  | 'no-partition'
  | 'repartition-null-key'

export type Duration = number | (`${Digit}${string}` & `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`)

export interface EmbeddedLogOptions {
  readonly directory: string
  readonly engine?: EngineName
  readonly fsync?: boolean
  readonly acceptLoss?: boolean
  readonly attach?: boolean
  readonly logger?: LossLogger
  readonly fileMode?: FileMode
  readonly clock?: Clock
}

export interface EngineFactory {
  readonly name: EngineName
  readonly persistent: boolean
  open(directory: string, options?: EngineOpenOptions): MaybePromise<KeyValueEngine>
  requireUnlocked?(directory: string): Promise<void>
  destroy(directory: string): MaybePromise<void>
}

export type EngineName = 'rocksdb' | 'level' | 'memory'

export interface EngineOptions {
  readonly blockCacheBytes?: number
  readonly writeBufferBytes?: number
}

export type ErrorDecision = 'fail' | 'continue' | 'deadLetter'

export type ErrorHandler = ErrorDecision | ((error: MillraceError, record: FailedRecord) => ErrorDecision)

export interface ErrorPlace {
  readonly node?: string | undefined
  readonly task?: string | undefined
  readonly store?: string | undefined
  readonly topic?: string | undefined
  readonly partition?: number | undefined
  readonly offset?: number | undefined
  readonly traceId?: string | undefined
}

export interface ExtractorRecord {
  readonly key: unknown
  readonly value: unknown
  readonly timestamp: number
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface FailedRecord {
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly headers: Headers
  readonly node: string
  readonly task: string
  readonly rawKey: Buffer | null
  readonly rawValue: Buffer | null
  readonly output?: RefusedOutput
}

export interface FixedKeyProcessor<KIn, VIn, VOut> {
  init?(context: FixedKeyProcessorContext<VOut>): NoPromise
  process(record: ProcessorRecord<KIn, VIn>): NoPromise
  close?(): NoPromise
}

export interface FixedKeyProcessorContext<VOut> extends ProcessingContext {
  forward(record: ForwardValue<VOut>, child?: string): void
}

export type FixedKeyProcessorSupplier<KIn, VIn, VOut> = () => FixedKeyProcessor<KIn, VIn, VOut>

export interface ForeignKeyJoinOptions<K, V> extends Materialize<K, V> {
  readonly partitioner?: StreamPartitioner
  readonly otherPartitioner?: StreamPartitioner
}

export interface ForwardRecord<K, V> {
  readonly key: K
  readonly value: V
  readonly timestamp?: number
  readonly headers?: Headers
}

export interface ForwardValue<V> {
  readonly value: V
  readonly timestamp?: number
  readonly headers?: Headers
}

export class GlobalKTable<K, V> {
  readonly [TYPES]: readonly [key: K, value: V]
  private constructor()
  get storeName(): string
}

export interface GroupDescription extends GroupListing {
  readonly members: readonly GroupMemberDescription[]
}

export interface GroupListing {
  readonly id: string
  readonly type: GroupType
  readonly protocol: string
  readonly state: string
}

export interface GroupMemberDescription {
  readonly memberId: string
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly host: string
  readonly partitions: readonly TopicPartition[]
}

export interface GroupOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly end: number | undefined
  readonly lag: number | undefined
  readonly metadata: string
}

export interface GroupOptions<K, V> extends Named, SerdeOptions<K, V> {}

export type GroupType = 'classic' | 'consumer' | 'streams' | 'share' | 'unknown'

export type Guarantee = 'at_least_once' | 'exactly_once'

export interface Header {
  readonly name: string
  readonly value: Buffer | null
}

export class Headers implements Iterable<Header> {
  constructor(entries?: Iterable<Header>)
  get length(): number
  add(name: string, value: string | Uint8Array | null): this
  remove(name: string): this
  get(name: string): Buffer | null | undefined
  getString(name: string): string | null | undefined
  at(index: number): Header | undefined
  copy(): Headers
  [Symbol.iterator](): Iterator<Header>
}

export interface Health {
  readonly live: ProbeResult
  readonly ready: ProbeResult
  readonly startup: ProbeResult
}

export interface HealthCheck {
  readonly name: string
  readonly ok: boolean
  readonly message: string
}

export interface HistogramMetric extends MetricHead {
  readonly type: 'histogram'
  readonly bounds: readonly number[]
  readonly series: readonly HistogramSeries[]
}

export interface HistogramSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly count: number
  readonly sum: number
  readonly buckets: readonly number[]
}

export interface HoppingWindows {
  readonly kind: 'hopping'
  readonly size: number
  readonly advance: number
  readonly grace: number
}

export interface Instance {
  readonly endpoint: string | undefined
  readonly isLocal: boolean
  readonly active: readonly string[]
  readonly standby: readonly string[]
}

export interface JoinWindowBounds {
  readonly before?: Duration
  readonly after?: Duration
  readonly grace?: Duration
}

export interface JoinWindows {
  readonly kind: 'join'
  readonly before: number
  readonly after: number
  readonly grace: number
}

export type JsonIntegers = (typeof INTEGERS)[number]

export interface JsonOptions {
  readonly integers?: JsonIntegers
}

export class KGroupedStream<K, V> {
  readonly [TYPES]: readonly [key: K, value: V]
  private constructor()
  count(options?: Materialize<K, number>): KTable<K, number>
  reduce(
    reducer: (aggregate: NonNullable<V>, value: NonNullable<V>) => NonNullable<V>,
    options?: Materialize<K, V>,
  ): KTable<K, NonNullable<V>>
  reduce(
    reducer: (aggregate: NonNullable<V>, value: NonNullable<V>) => NonNullable<V> | null,
    options?: Materialize<K, V>,
  ): KTable<K, NonNullable<V> | null>
  aggregate<A>(
    initializer: () => Settled<A>,
    aggregator: (aggregate: A, value: NonNullable<V>, key: K) => NoInfer<A>,
    options?: Materialize<K, A>,
  ): KTable<K, A>
  aggregate<A>(
    initializer: () => Settled<A>,
    aggregator: (aggregate: A, value: NonNullable<V>, key: K) => NoInfer<A> | null,
    options?: Materialize<K, A>,
  ): KTable<K, A | null>
  windowedBy(windows: TimeWindows | SlidingWindows): TimeWindowedKStream<K, V>
  windowedBy(windows: SessionWindows): SessionWindowedKStream<K, V>
  cogroup<A>(aggregator: (aggregate: A, value: NonNullable<V>, key: K) => A): CogroupedKStream<K, A>
}

export class KGroupedTable<K, V> {
  readonly [TYPES]: readonly [key: K, value: V]
  private constructor()
  count(options?: Materialize<K, number>): KTable<K, number>
  reduce(
    adder: (aggregate: V, value: V) => V | null,
    subtractor: (aggregate: V, value: V) => V | null,
    options?: Materialize<K, V>,
  ): KTable<K, V | null>
  aggregate<A>(
    initializer: () => Settled<A>,
    adder: (aggregate: A, value: V, key: K) => NoInfer<A>,
    subtractor: (aggregate: A, value: V, key: K) => NoInfer<A>,
    options?: Materialize<K, A>,
  ): KTable<K, A>
  aggregate<A>(
    initializer: () => Settled<A>,
    adder: (aggregate: A, value: V, key: K) => NoInfer<A> | null,
    subtractor: (aggregate: A, value: V, key: K) => NoInfer<A> | null,
    options?: Materialize<K, A>,
  ): KTable<K, A | null>
}

export class KStream<K, V> {
  readonly [TYPES]: readonly [key: K, value: V]
  private constructor()
  filter<S extends V>(predicate: (value: V, key: K) => value is S, options?: Named): KStream<K, S>
  filter(predicate: (value: V, key: K) => boolean, options?: Named): KStream<K, V>
  filterNot<S extends V>(predicate: (value: V, key: K) => value is S, options?: Named): KStream<K, Exclude<V, S>>
  filterNot(predicate: (value: V, key: K) => boolean, options?: Named): KStream<K, V>
  map<KR, VR>(mapper: (value: V, key: K) => readonly [key: KR, value: VR], options?: Named): KStream<KR, VR>
  mapValues<VR>(mapper: (value: V, key: K) => Settled<VR>, options?: Named): KStream<K, VR>
  mapAsync<KR, VR>(
    call: ServiceCall<K, V, readonly [key: KR, value: VR]>,
    options?: MapAsyncOptions<K, V, KR, VR>,
  ): KStream<KR, VR>
  mapValuesAsync<VR>(call: ServiceCall<K, V, VR>, options?: MapValuesAsyncOptions<K, V, VR>): KStream<K, VR>
  flatMapValuesAsync<VR>(
    call: ServiceCall<K, V, Iterable<VR>>,
    options?: MapValuesAsyncOptions<K, V, VR>,
  ): KStream<K, VR>
  forEachAsync(call: ServiceCall<K, V, void>, options?: AsyncOptions<K, V>): void
  flatMap<KR, VR>(mapper: (value: V, key: K) => Iterable<readonly [KR, VR]>, options?: Named): KStream<KR, VR>
  flatMapValues<VR>(mapper: (value: V, key: K) => Iterable<VR>, options?: Named): KStream<K, VR>
  selectKey<KR>(mapper: (value: V, key: K) => Settled<KR>, options?: Named): KStream<KR, V>
  peek<R = void>(action: (value: V, key: K) => Settled<R>, options?: Named): KStream<K, V>
  forEach<R = void>(action: (value: V, key: K) => Settled<R>, options?: Named): void
  print({ mapper, ...rest }?: PrintOptions<K, V>): void
  merge<VO>(other: KStream<K, VO>, options?: Named): KStream<K, V | VO>
  split<Name extends string = string>(options?: { readonly name?: Name }): BranchedKStream<K, V, Name>
  repartition(options?: RepartitionStreamOptions<K, V>): KStream<K, V>
  to(
    topic: WritableTopic<K, V> | string | ((value: V, key: K, record: RecordOrigin) => string),
    options?: SinkOptions<K, V>,
  ): void
  toTable(options?: Materialize<K, V>): KTable<K, V>
  groupByKey(options?: GroupOptions<K, V>): KGroupedStream<K, V>
  groupBy<KR>(selector: (value: V, key: K) => Settled<KR>, options?: GroupOptions<KR, V>): KGroupedStream<KR, V>
  join<VO, VR>(
    other: KStream<K, VO>,
    joiner: (left: NonNullable<V>, right: NonNullable<VO>, key: K) => Settled<VR>,
    windows: JoinWindows,
    options?: StreamJoinOptions<K, V, VO>,
  ): KStream<K, VR>
  join<VT, VR>(
    table: KTable<K, VT>,
    joiner: (left: NonNullable<V>, right: NonNullable<VT>, key: K) => Settled<VR>,
    options?: TableJoinOptions<K, V>,
  ): KStream<K, VR>
  join<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    keyMapper: (value: V, key: K) => KG | null,
    joiner: (left: NonNullable<V>, right: NonNullable<VG>, key: K) => Settled<VR>,
    options?: Named,
  ): KStream<K, VR>
  leftJoin<VO, VR>(
    other: KStream<K, VO>,
    joiner: (left: NonNullable<V>, right: NonNullable<VO> | null, key: K) => Settled<VR>,
    windows: JoinWindows,
    options?: StreamJoinOptions<K, V, VO>,
  ): KStream<K, VR>
  leftJoin<VT, VR>(
    table: KTable<K, VT>,
    joiner: (left: NonNullable<V>, right: NonNullable<VT> | null, key: K) => Settled<VR>,
    options?: TableJoinOptions<K, V>,
  ): KStream<K, VR>
  leftJoin<KG, VG, VR>(
    table: GlobalKTable<KG, VG>,
    keyMapper: (value: V, key: K) => KG | null,
    joiner: (left: NonNullable<V>, right: NonNullable<VG> | null, key: K) => Settled<VR>,
    options?: Named,
  ): KStream<K, VR>
  outerJoin<VO, VR>(
    other: KStream<K, VO>,
    joiner: (left: NonNullable<V> | null, right: NonNullable<VO> | null, key: K) => Settled<VR>,
    windows: JoinWindows,
    options?: StreamJoinOptions<K, V, VO>,
  ): KStream<K, VR>
  process<KR, VR>(supplier: ProcessorSupplier<K, V, KR, VR>, options?: ProcessOptions): KStream<KR, VR>
  processValues<VR>(supplier: FixedKeyProcessorSupplier<K, V, VR>, options?: ProcessOptions): KStream<K, VR>
}

export class KTable<K, V> {
  readonly [TYPES]: readonly [key: K, value: V]
  private constructor()
  filter<S extends NonNullable<V>>(
    predicate: (value: NonNullable<V>, key: K) => value is S,
    options?: Materialize<K, S>,
  ): KTable<K, S | null>
  filter(predicate: (value: NonNullable<V>, key: K) => boolean, options?: Materialize<K, V>): KTable<K, V | null>
  filterNot<S extends NonNullable<V>>(
    predicate: (value: NonNullable<V>, key: K) => value is S,
    options?: Materialize<K, Exclude<V, S>>,
  ): KTable<K, Exclude<V, S> | null>
  filterNot(predicate: (value: NonNullable<V>, key: K) => boolean, options?: Materialize<K, V>): KTable<K, V | null>
  mapValues<VR>(
    mapper: (value: NonNullable<V>, key: K) => Settled<VR>,
    options?: Materialize<K, VR>,
  ): KTable<K, VR | Extract<V, null>>
  transformValues<VR>(
    supplier: ValueTransformerSupplier<K, NonNullable<V>, VR>,
    options?: TransformOptions<K, VR>,
  ): KTable<K, VR | null>
  toStream<KR>(mapper: (value: V, key: K) => Settled<KR>, options?: Named): KStream<KR, V>
  toStream(options?: Named): KStream<K, V>
  groupBy<KR, VR>(
    selector: (value: NonNullable<V>, key: K) => readonly [key: KR, value: VR],
    options?: GroupOptions<NonNullable<KR>, VR>,
  ): KGroupedTable<NonNullable<KR>, NonNullable<VR>>
  suppress(when: Suppressed<K>, options?: SuppressOptions): KTable<K, V>
  join<VO, VR>(
    other: KTable<K, VO>,
    joiner: (left: NonNullable<V>, right: NonNullable<VO>) => Settled<VR>,
    options?: Materialize<K, VR>,
  ): KTable<K, VR | null>
  join<KO, VO, VR>(
    other: KTable<KO, VO>,
    extractor: (value: NonNullable<V>, key: K) => KO | null,
    joiner: (left: NonNullable<V>, right: NonNullable<VO>) => Settled<VR>,
    options?: ForeignKeyJoinOptions<K, VR>,
  ): KTable<K, VR | null>
  leftJoin<VO, VR>(
    other: KTable<K, VO>,
    joiner: (left: NonNullable<V>, right: NonNullable<VO> | null) => Settled<VR>,
    options?: Materialize<K, VR>,
  ): KTable<K, VR | Extract<V, null>>
  leftJoin<KO, VO, VR>(
    other: KTable<KO, VO>,
    extractor: (value: NonNullable<V>, key: K) => KO | null,
    joiner: (left: NonNullable<V>, right: NonNullable<VO> | null) => Settled<VR>,
    options?: ForeignKeyJoinOptions<K, VR>,
  ): KTable<K, VR | Extract<V, null>>
  outerJoin<VO, VR>(
    other: KTable<K, VO>,
    joiner: (left: NonNullable<V> | null, right: NonNullable<VO> | null) => Settled<VR>,
    options?: Materialize<K, VR>,
  ): KTable<K, VR | null>
}

export interface KeyRange<K> extends QueryOptions, ScanOptions {
  readonly from?: K
  readonly to?: K
}

export interface KeyValueStore<K, V> extends ReadOnlyKeyValueStore<K, V> {
  put(key: K, value: V | null): void
  putIfAbsent(key: K, value: V): V | undefined
  putAll(entries: Iterable<KeyValueStoreEntry<K, V | null>>): void
  delete(key: K): V | undefined
}

export interface KeyValueStoreEntry<K, V> {
  readonly key: K
  readonly value: V
}

export interface KeyValueStoreOptions extends StoreOptions {
  readonly versioned?: {
    readonly history: Duration
  }
}

export interface KeyValueView<K, V> extends WatchView<K, V> {
  readonly name: string
  get(key: K, options?: QueryOptions): Promise<V | undefined>
  read(key: K, options?: QueryOptions): Promise<Answer<V>>
  range(range?: KeyRange<K>): AsyncIterableIterator<Row<K, V>>
  prefix(prefix: string | Uint8Array, options?: PrefixOptions): AsyncIterableIterator<Row<K, V>>
}

export interface LeveledLogger extends Logger {
  level: LogLevel
}

export interface Log extends LogAdmin {
  readonly kind: 'memory' | 'embedded' | 'kafka'
  describeTopics(names: readonly string[]): MaybePromise<ReadonlyMap<string, TopicDescription>>
  createTopics(topics: readonly TopicSpec[]): MaybePromise<void>
  listOffsets(partitions: readonly TopicPartition[], at: OffsetSpec): MaybePromise<PartitionMap<number>>
  deleteRecords(offsets: PartitionMap<number>): MaybePromise<void>
  openReader(options?: ReaderOptions): LogReader
  openProducer(): LogProducer
  openClient(options: LogClientOptions): MaybePromise<LogClient>
  hold?(options: HoldOptions): Promise<() => Promise<void>>
  describe?(): LogDescription | undefined
  close(): MaybePromise<void>
}

export interface LogAdmin {
  listTopics(): MaybePromise<readonly string[]>
  deleteTopics(names: readonly string[]): MaybePromise<void>
  createPartitions(topic: string, count: number): MaybePromise<void>
  describePartitions(topic: string): MaybePromise<readonly PartitionDescription[]>
  topicConfigs(topic: string): MaybePromise<ReadonlyMap<string, TopicConfig>>
  alterTopicConfigs(topic: string, changes: Readonly<Record<string, string | null>>): MaybePromise<void>
  listGroups(): MaybePromise<readonly GroupListing[]>
  describeGroup(groupId: string): MaybePromise<GroupDescription | undefined>
  groupMembers(groupId: string): MaybePromise<readonly string[]>
  groupInstances(groupId: string): MaybePromise<readonly GroupInstance[]>
  committedOffsets(groupId: string, partitions?: readonly TopicPartition[]): MaybePromise<PartitionMap<CommittedOffset>>
  deleteOffsets(groupId: string, partitions: readonly TopicPartition[]): MaybePromise<void>
  deleteGroup(groupId: string): MaybePromise<void>
  commitOffsets(groupId: string, offsets: PartitionMap<CommittedOffset>): MaybePromise<void>
}

export type LogFormat = (typeof LOG_FORMATS)[number]

export type LogLevel = (typeof LOG_LEVELS)[number]

export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export const METRICS: Readonly<Record<MetricName, MetricSpec>>

export interface MapAsyncOptions<K, V, KR, VR> extends MapValuesAsyncOptions<K, V, VR> {
  readonly key?: Serde<KR>
}

export interface MapValuesAsyncOptions<K, V, VR> extends AsyncOptions<K, V> {
  readonly value?: Serde<NonNullable<VR>>
}

export interface Materialize<K, V, S extends StoreOptions = KeyValueStoreOptions> extends Named, SerdeOptions<K, V> {
  readonly store?: string | (S & StoreShape<NoInfer<NonNullable<V>>>) | StoreRef<StoreKind, K, NonNullable<V>>
  readonly materialized?: true
}

export interface MemoryUse {
  readonly cache: number
  readonly changes: number
  readonly entries: number
  readonly input: number
  readonly engines: number
}

export type Metric = NumberMetric | HistogramMetric

export type MetricName = keyof typeof ALL

export interface MetricSpec {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly unit: Unit
  readonly labels: readonly string[]
  readonly finer?: readonly string[]
  readonly help: string
  readonly kafkaStreams?: string
  readonly across?: 'sum' | 'max' | 'min'
  readonly bounds?: readonly number[]
}

export type MetricsDetail = 'node' | 'task'

export interface MetricsOptions {
  readonly detail?: MetricsDetail
}

export interface MetricsSnapshot {
  readonly app: string
  readonly instance: string
  readonly time: number
  readonly metrics: readonly Metric[]
}

export class MillraceError extends Error implements ErrorPlace {
  readonly name = 'MillraceError'
  readonly code: string
  readonly hint: string | undefined
  readonly node: string | undefined
  readonly task: string | undefined
  readonly store: string | undefined
  readonly topic: string | undefined
  readonly partition: number | undefined
  readonly offset: number | undefined
  readonly traceId: string | undefined
  constructor(code: string, message: string, options?: MillraceErrorOptions)
  toJSON(): object
}

export interface Named {
  readonly name?: string
}

export interface NoDeadLetter {
  readonly kind: 'other'
  readonly id: string
  readonly reason: string
  readonly timestamp: number
  readonly headers: Headers
  readonly key: Buffer | null
  readonly value: Buffer | null
}

export type NodeJson =
  | {
      readonly kind: 'source'
      readonly name: string
      readonly topics: readonly string[]
      readonly internal: boolean
      readonly children: readonly string[]
    }
  | {
      readonly kind: 'processor'
      readonly name: string
      readonly operator: string
      readonly stores: readonly string[]
      readonly parents: readonly string[]
      readonly children: readonly string[]
    }
  | {
      readonly kind: 'sink'
      readonly name: string
      readonly topic: string | null
      readonly internal: boolean
      readonly partitions?: number
      readonly parents: readonly string[]
    }

export interface NumberMetric extends MetricHead {
  readonly type: 'counter' | 'gauge'
  readonly series: readonly {
    readonly labels: Readonly<Record<string, string>>
    readonly value: number
  }[]
}

export interface OffsetChange {
  readonly topic: string
  readonly partition: number
  readonly before: number | undefined
  readonly after: number
}

export type OffsetReset =
  | 'earliest'
  | 'latest'
  | 'none'
  | {
      readonly byDuration: number
    }

export type Optimization = 'reuse.ktable.source.topics' | 'merge.repartition.topics' | 'single.store.self.join'

export interface PartitionDescription {
  readonly partition: number
  readonly leader: number | undefined
  readonly replicas: readonly number[]
  readonly inSyncReplicas: readonly number[]
}

export class PartitionMap<V> {
  get size(): number
  get(topic: string, partition: number): V | undefined
  has(topic: string, partition: number): boolean
  set(topic: string, partition: number, value: V): this
  delete(topic: string, partition: number): boolean
  clear(): void
  entries(): Generator<[topic: string, partition: number, value: V]>
}

export interface PeriodWindows {
  readonly kind: 'period'
  readonly maxSize: number
  readonly grace: number
  readonly disjoint: boolean
  readonly windowsOf: (timestamp: number) => readonly WindowBounds[]
}

export interface PrefixOptions extends QueryOptions, ScanOptions {}

export interface PrintOptions<K, V> extends Named {
  readonly label?: string
  readonly write?: (line: string) => void
  readonly mapper?: (value: V, key: K) => string
}

export interface ProbeResult {
  readonly ok: boolean
  readonly checks: readonly HealthCheck[]
}

export interface ProcessOptions extends Named {
  readonly stores?: readonly (string | StoreSpec)[]
}

export interface ProcessingContext {
  readonly applicationId: string
  readonly taskId: string
  readonly recordMetadata: RecordMetadata | undefined
  store<S>(name: string): S
  schedule(
    interval: Duration,
    type: PunctuationType,
    punctuator: (timestamp: number) => NoPromise,
    options?: ScheduleOptions,
  ): Cancellable
  commit(): void
  currentStreamTime(): number
  currentSystemTime(): number
}

export interface Processor<KIn, VIn, KOut, VOut> {
  init?(context: ProcessorContext<KOut, VOut>): NoPromise
  process(record: ProcessorRecord<KIn, VIn>): NoPromise
  close?(): NoPromise
}

export interface ProcessorContext<KOut, VOut> extends ProcessingContext {
  forward(record: ForwardRecord<KOut, VOut>, child?: string): void
}

export interface ProcessorRecord<K, V> {
  readonly key: K
  readonly value: V
  readonly timestamp: number
  readonly headers: Headers
}

export type ProcessorSupplier<KIn, VIn, KOut, VOut> = () => Processor<KIn, VIn, KOut, VOut>

export type PunctuationType = 'stream-time' | 'wall-clock-time'

export interface QueryOptions {
  readonly consistency?: Consistency
  readonly role?: 'active' | 'any'
  readonly maxLag?: number
  readonly at?: Position
  readonly partition?: number
  readonly timeout?: Duration
  readonly signal?: AbortSignal
}

export interface ReadDeadLettersOptions {
  readonly topic?: string
  readonly from?: string
  readonly limit?: number
  readonly replays?: boolean
  readonly timeout?: Duration
  readonly signal?: AbortSignal
}

export interface ReadOnlyKeyValueStore<K, V> {
  readonly name: string
  get(key: K): V | undefined
  range(from?: K, to?: K): StoreIterator<KeyValueStoreEntry<K, V>>
  reverseRange(from?: K, to?: K): StoreIterator<KeyValueStoreEntry<K, V>>
  all(): StoreIterator<KeyValueStoreEntry<K, V>>
  reverseAll(): StoreIterator<KeyValueStoreEntry<K, V>>
  prefixScan(prefix: string | Uint8Array): StoreIterator<KeyValueStoreEntry<K, V>>
  approximateNumEntries(): number
}

export interface ReadOnlySessionStore<K, V> {
  readonly name: string
  get(key: K, start: number, end: number): V | undefined
  fetch(key: K): StoreIterator<SessionStoreEntry<K, V>>
  findSessions(key: K, earliestEnd: number, latestStart: number): StoreIterator<SessionStoreEntry<K, V>>
  reverseFindSessions(key: K, earliestEnd: number, latestStart: number): StoreIterator<SessionStoreEntry<K, V>>
  findByEnd(from: number, to: number): StoreIterator<SessionStoreEntry<K, V>>
}

export type ReadOnlyTimestampedKeyValueStore<K, V> = ReadOnlyKeyValueStore<K, ValueAndTimestamp<V>>

export interface ReadOnlyVersionedKeyValueStore<K, V> {
  readonly name: string
  get(key: K, asOf?: number): VersionedRecord<V> | undefined
}

export interface ReadOnlyWindowStore<K, V> {
  readonly name: string
  get(key: K, start: number): ValueAndTimestamp<V> | undefined
  fetch(key: K, from: number, to: number): StoreIterator<WindowStoreEntry<K, V>>
  reverseFetch(key: K, from: number, to: number): StoreIterator<WindowStoreEntry<K, V>>
  fetchAll(from: number, to: number): StoreIterator<WindowStoreEntry<K, V>>
  reverseFetchAll(from: number, to: number): StoreIterator<WindowStoreEntry<K, V>>
  all(): StoreIterator<WindowStoreEntry<K, V>>
}

export interface ReadTopicOptions {
  readonly from?:
    | 'earliest'
    | 'latest'
    | {
        readonly timestamp: number
      }
    | {
        readonly last: number
      }
    | {
        readonly offsets: Readonly<Record<number, number>>
      }
  readonly until?: 'end' | 'abort'
  readonly partitions?: readonly number[]
  readonly limit?: number
  readonly signal?: AbortSignal
}

export interface ReadableTopic<K, V> {
  readonly [READS]: readonly [key: K, value: V]
  readonly name: string
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly tombstones: boolean
  readonly timestamp: TimestampExtractor | undefined
  readonly offsetReset: OffsetReset | undefined
}

export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

export interface RecordOrigin {
  readonly topic: string | null
  readonly partition: number
  readonly offset: number
  readonly timestamp: number
  readonly headers: Headers
}

export interface RefusedOutput {
  readonly topic: string
  readonly partition: number
  readonly timestamp: number
  readonly rawKey: Buffer | null
  readonly rawValue: Buffer | null
}

export interface RepartitionStreamOptions<K, V> extends Named, SerdeOptions<K, V> {
  readonly partitions?: number
  readonly partitioner?: StreamPartitioner
}

export interface ReplayDeadLettersOptions {
  readonly patch?: DeadLetterPatch
  readonly dryRun?: boolean
  readonly again?: boolean
  readonly to?: readonly string[]
}

export interface ResetApplicationOptions {
  readonly log: Log
  readonly stateDirectory?: string
  readonly to?:
    | 'earliest'
    | 'latest'
    | {
        readonly timestamp: number
      }
  readonly dryRun?: boolean
}

export interface ResetGroupOffsetsOptions {
  readonly to: ResetTarget
  readonly topics?: readonly string[] | Readonly<Record<string, readonly number[]>>
  readonly dryRun?: boolean
}

export type ResetTarget =
  | 'earliest'
  | 'latest'
  | {
      readonly timestamp: number
    }
  | {
      readonly offset: number
    }
  | {
      readonly shiftBy: number
    }

export type RestoreListener = (event: 'start' | 'progress' | 'end', progress: RestoreProgress) => void

export interface RestoreProgress {
  readonly task: string
  readonly store: string
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly end: number
  readonly position: number
  readonly records: number
}

export interface RetryOptions {
  readonly attempts?: number
  readonly backoff?: Duration
  readonly maxBackoff?: Duration
  readonly retryOn?: (error: unknown) => boolean
}

export interface Row<K, V> {
  readonly key: K
  readonly value: V
  readonly timestamp: number
  readonly partition: number
}

export interface RunSettings
  extends Pick<KafkaOptions, OfKafka>, Pick<AppConfig, OfApplication>, Pick<StreamsOptions, OfStreams> {
  readonly kafka?: string | readonly string[]
  readonly kafkaConfig?: string
  readonly kafkaTls?: boolean
  readonly kafkaCa?: string
  readonly kafkaCert?: string
  readonly kafkaKey?: string
  readonly kafkaKeyPassphraseFile?: string
  readonly kafkaSasl?: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER'
  readonly kafkaUser?: string
  readonly kafkaPasswordFile?: string
  readonly kafkaTokenFile?: string
  readonly onDeserializationError?: ErrorDecision
  readonly onProcessingError?: ErrorDecision
  readonly onProductionError?: ErrorDecision
  readonly onUncaughtError?: UncaughtErrorDecision
  readonly data?: string
  readonly engine?: EngineName
  readonly fsync?: boolean
  readonly http?: number | string
  readonly httpTokenFile?: string
  readonly httpDeadLetters?: string
  readonly httpWrite?: string | readonly string[]
  readonly httpHosts?: string | readonly string[]
  readonly httpCors?: string | readonly string[]
  readonly httpCert?: string
  readonly httpKey?: string
  readonly peerTokenFile?: string
  readonly peerCa?: string
  readonly peerCert?: string
  readonly peerKey?: string
  readonly drain?: Duration
  readonly closeTimeout?: Duration
  readonly logFormat?: LogFormat
  readonly logLevel?: LogLevel
}

export interface ScheduleOptions {
  readonly start?: number
}

export interface Serde<T> {
  readonly name: string
  serialize(value: T): Uint8Array
  deserialize(bytes: Uint8Array): T
  read?(buffer: Buffer, start: number, end: number): T
  write?(value: T, buffer: Buffer, offset: number): number
  readonly primitive?: boolean
  copy?(value: T): T
  clone?(value: T): T
  readonly internal?: Serde<T>
  readonly partitionSuffix?: number
}

export interface SerdeOptions<K, V> {
  readonly key?: Serde<K>
  readonly value?: Serde<NonNullable<V>>
}

export type SerdeType<S> = S extends Serde<infer T> ? T : never

export type ServiceCall<K, V, R> = (value: V, key: K, context: CallContext) => R | PromiseLike<R>

export interface SessionStore<K, V> extends ReadOnlySessionStore<K, V> {
  put(key: K, value: V | null, start: number, end: number): void
  remove(key: K, start: number, end: number): void
}

export interface SessionStoreBuilderOptions<K, V> extends StoreBuilderOptions<K, V> {
  readonly retention: Duration
}

export interface SessionStoreEntry<K, V> {
  readonly key: K
  readonly start: number
  readonly end: number
  readonly value: V
}

export interface SessionView<K, V> extends WatchTimesView<K, V> {
  readonly name: string
  sessions(key: K, range?: TimeRange): AsyncIterableIterator<WindowRow<K, V>>
  range(range?: TimeRange): AsyncIterableIterator<WindowRow<K, V>>
}

export class SessionWindowedCogroupedKStream<K, A> {
  private constructor()
  aggregate(
    initializer: () => Settled<A>,
    merger: (aggregate: A, other: A, key: K) => A,
    options?: Materialize<K, A, WindowStoreOptions>,
  ): KTable<Windowed<K>, A | null>
}

export class SessionWindowedKStream<K, V> {
  private constructor()
  emitOnClose(): SessionWindowedKStream<K, V>
  count(options?: Materialize<K, number, WindowStoreOptions>): KTable<Windowed<K>, number | null>
  reduce(
    reducer: (aggregate: NonNullable<V>, value: V) => V | null,
    options?: Materialize<K, V, WindowStoreOptions>,
  ): KTable<Windowed<K>, NonNullable<V> | null>
  aggregate<A>(
    initializer: () => Settled<A>,
    aggregator: (aggregate: A, value: V, key: K) => NoInfer<A> | null,
    merger: (aggregate: A, other: A, key: K) => NoInfer<A> | null,
    options?: Materialize<K, A, WindowStoreOptions>,
  ): KTable<Windowed<K>, A | null>
}

export interface SessionWindows {
  readonly kind: 'session'
  readonly gap: number
  readonly grace: number
}

export interface Settings {
  readonly guarantee: Guarantee
  readonly commitInterval: number | undefined
  readonly memory: number
  readonly cacheBytes: number
  readonly maxTaskIdle: number
  readonly idleAfter: number | undefined
  readonly bufferedRecordsPerPartition: number
  readonly threads: number
  readonly standbyReplicas: number
  readonly taskTimeout: number
  readonly replicationFactor: number
  readonly compatible: boolean
  readonly onDeserializationError: ErrorHandler
  readonly onProcessingError: ErrorHandler
  readonly onProductionError: ErrorHandler
  readonly onUncaughtError: UncaughtErrorHandler
  readonly deadLetterTopic: string | undefined
  readonly logger: Logger
  readonly logValues: boolean
  readonly tracing: Tracing | undefined
}

export interface SinkOptions<K, V> extends Named, SerdeOptions<K, V> {
  readonly partitioner?: StreamPartitioner
}

export interface SlidingWindows {
  readonly kind: 'sliding'
  readonly difference: number
  readonly grace: number
}

export interface StandbyStatus extends StandbyLag {
  readonly thread: string
}

export interface StderrLoggerOptions {
  readonly level?: LogLevel
  readonly format?: LogFormat
}

export interface StoreBuilderOptions<K, V> extends StoreShape<V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
  readonly type?: 'persistent' | 'memory'
  readonly logging?: boolean | Readonly<Record<string, string>>
}

export interface StoreIterator<T> extends IterableIterator<T>, Disposable {
  close(): void
}

export interface StoreJson {
  readonly name: string
  readonly kind: string
  readonly persistent: boolean
  readonly caching: boolean
  readonly keySerde: string
  readonly valueSerde: string
  readonly changelog:
    | 'own'
    | {
        readonly topic: string
      }
    | null
  readonly changelogConfigs: Readonly<Record<string, string>>
  readonly timestamped?: boolean
  readonly windowSize?: number
  readonly retention?: number
  readonly historyRetention?: number
  readonly version?: number
  readonly readsUpTo?: number
}

export type StoreKind = 'keyValue' | 'window' | 'session' | 'versioned'

export interface StoreOptions {
  readonly name?: string | AnyStoreRef
  readonly type?: 'persistent' | 'memory'
  readonly caching?: boolean
  readonly logging?: boolean | Readonly<Record<string, string>>
}

export interface StoreRef<Kind extends StoreKind, K, V> {
  readonly kind: Kind
  readonly name: string
  readonly key: Serde<K>
  readonly value: Serde<V>
}

export interface StoreShape<V> {
  readonly version?: number
  migrate?(old: unknown, from: number): V
  readonly readsUpTo?: number
  readonly serdes?: Readonly<Record<number, Serde<unknown>>>
}

export type StoreSpec =
  | KeyValueStoreSpec
  | VersionedStoreSpec
  | WindowStoreSpec
  | PeriodStoreSpec
  | SessionStoreSpec
  | OuterJoinStoreSpec
  | SuppressBufferSpec
  | JoinBufferSpec
  | CallStoreSpec

export interface StreamJoinOptions<K, V, VO> extends Named {
  readonly key?: Serde<K>
  readonly value?: Serde<NonNullable<V>>
  readonly otherValue?: Serde<NonNullable<VO>>
  readonly store?: string | StoreOptions
}

export type StreamPartitioner = (
  topic: string,
  key: unknown,
  value: unknown,
  partitions: number,
) => number | readonly number[] | undefined

export class Streams implements CompanionHost, AsyncDisposable {
  readonly app: Application
  readonly topology: Topology
  readonly log: Log
  private constructor()
  static start(app: Application, given: StreamsOptions): Promise<Streams>
  get state(): StreamsState
  get closed(): Promise<void>
  whenRunning(): Promise<void>
  health(): Health
  drain(): void
  hurry(): void
  attach(companion: Companion): Promise<void>
  detach(companion: Companion): Promise<void>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
  store<Kind extends StoreKind, K, V>(ref: StoreRef<Kind, K, V>): ViewsByKind<K, V>[Kind]
  store<
    View extends {
      readonly name: string
    },
  >(name: string): View
  stores<S>(name: string): S[]
  status(): StreamsStatus
  metrics(options?: MetricsOptions): MetricsSnapshot
  instances(): Instance[]
}

export class StreamsBuilder {
  constructor(settings?: BuildSettings)
  stream<K, V>(topics: ReadableTopic<K, V> | readonly ReadableTopic<K, V>[], options?: Named): KStream<K, V>
  table<K, V>(topic: ReadableTopic<K, V>, options?: Materialize<K, V>): KTable<K, V>
  globalTable<K, V>(topic: ReadableTopic<K, V>, options?: Materialize<K, V>): GlobalKTable<K, V>
  addStateStore(store: StoreSpec): this
  addGlobalStore<K, V>(
    store: StoreSpec,
    topic: ReadableTopic<K, V>,
    supplier: ProcessorSupplier<K, V, never, never>,
    options?: Named,
  ): this
  build(): Topology
}

export interface StreamsOptions {
  readonly log: Log
  readonly attach?: boolean
  readonly stateDirectory?: string
  readonly engine?: EngineFactory | EngineName
  readonly fileMode?: FileMode
  readonly instanceId?: string
  readonly advertise?: string
  readonly peerToken?: PeerTokenSource
  readonly peerTls?: PeerTls
  readonly stateCleanupDelay?: Duration
  readonly readyLag?: number
  readonly module?: string | URL
  readonly clock?: Clock
  readonly scheduler?: Scheduler
  readonly companions?: readonly Companion[]
  readonly onState?: (state: StreamsState, previous: StreamsState) => void
  readonly onRestore?: RestoreListener
}

export type StreamsState = (typeof STREAMS_STATES)[number]

export interface StreamsStatus extends Omit<ThreadStatus, 'dropped' | 'tasks' | 'standbys'> {
  readonly state: StreamsState
  readonly dropped: ReadonlyMap<DropReason, number>
  readonly tasks: readonly TaskStatus[]
  readonly standbys: readonly StandbyStatus[]
  readonly companions: ReadonlyMap<string, object>
}

export interface StrictBuffer {
  readonly maxRecords?: number
  readonly maxBytes?: number
}

export interface SuppressOptions extends Named {
  readonly logging?: boolean | Readonly<Record<string, string>>
}

export interface Suppressed<in K = unknown> {
  readonly [KEYS]: (key: K) => void
  readonly kind: 'windowClose' | 'timeLimit'
  readonly limit: number
  readonly maxRecords: number
  readonly maxBytes: number
  readonly whenFull: 'emitEarly' | 'shutDown'
}

export interface TableJoinOptions<K, V> extends Named {
  readonly key?: Serde<K>
  readonly value?: Serde<NonNullable<V>>
  readonly grace?: Duration
}

export interface TaskStatus extends ThreadTaskStatus {
  readonly thread: string
}

export interface TimeBounds {
  readonly from?: number | Date
  readonly to?: number | Date
}

export interface TimeLimitBuffer {
  readonly maxRecords?: number
  readonly maxBytes?: number
  readonly whenFull?: 'emitEarly' | 'shutDown'
}

export interface TimeRange extends QueryOptions, ScanOptions, TimeBounds {}

export class TimeWindowedCogroupedKStream<K, A> {
  private constructor()
  aggregate(initializer: () => Settled<A>, options?: Materialize<K, A, WindowStoreOptions>): KTable<Windowed<K>, A>
}

export class TimeWindowedKStream<K, V> {
  private constructor()
  emitOnClose(): TimeWindowedKStream<K, V>
  count(options?: Materialize<K, number, WindowStoreOptions>): KTable<Windowed<K>, number>
  reduce(
    reducer: (aggregate: NonNullable<V>, value: V) => NonNullable<V>,
    options?: Materialize<K, V, WindowStoreOptions>,
  ): KTable<Windowed<K>, NonNullable<V>>
  reduce(
    reducer: (aggregate: NonNullable<V>, value: V) => V | null,
    options?: Materialize<K, V, WindowStoreOptions>,
  ): KTable<Windowed<K>, NonNullable<V> | null>
  aggregate<A>(
    initializer: () => Settled<A>,
    aggregator: (aggregate: A, value: V, key: K) => NoInfer<A>,
    options?: Materialize<K, A, WindowStoreOptions>,
  ): KTable<Windowed<K>, A>
  aggregate<A>(
    initializer: () => Settled<A>,
    aggregator: (aggregate: A, value: V, key: K) => NoInfer<A> | null,
    options?: Materialize<K, A, WindowStoreOptions>,
  ): KTable<Windowed<K>, A | null>
}

export type TimeWindows = FixedWindows | PeriodWindows | UnlimitedWindows

export type TimestampExtractor = (record: ExtractorRecord, partitionTime: number) => number

export interface TimestampedKeyValueStore<K, V> extends ReadOnlyTimestampedKeyValueStore<K, V> {
  put(key: K, value: V | null, timestamp: number): void
  putIfAbsent(key: K, value: V, timestamp: number): ValueAndTimestamp<V> | undefined
  delete(key: K): ValueAndTimestamp<V> | undefined
}

export interface Topic<K, V> extends ReadableTopic<K, V>, WritableTopic<K, V> {}

export interface TopicConfig {
  readonly value: string | null
  readonly source: 'topic' | 'broker' | 'default'
}

export interface TopicDescription {
  readonly name: string
  readonly id: string
  readonly partitions: number
}

export interface TopicOptions<K, V> {
  readonly key: Serde<K>
  readonly value: Serde<V>
  readonly timestamp?: (
    record: {
      readonly key: K | null
      readonly value: V | null
      readonly timestamp: number
      readonly topic: string
      readonly partition: number
      readonly offset: number
    },
    partitionTime: number,
  ) => number
  readonly offsetReset?: OffsetReset
  readonly partitioner?: (
    topic: string,
    key: K | null,
    value: V | null,
    partitions: number,
  ) => number | readonly number[] | undefined
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface TopicRecord<K, V> {
  readonly key: K | null
  readonly value: V | null
  readonly timestamp: number
  readonly headers: Headers
  readonly partition: number
  readonly offset: number
}

export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor?: number
  readonly configs?: Readonly<Record<string, string>>
}

export class TopicWriter<K, V> {
  readonly partitions: number
  private constructor()
  static open<K, V>(log: Log, topic: WritableTopic<K, V>): Promise<TopicWriter<K, V>>
  write(key: K | null, value: V | null, options?: WriteOptions): void
  partitionOf(key: K): number
  ready(): Promise<void>
  flush(): Promise<void>
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export interface Topology {
  readonly subtopologies: readonly Subtopology[]
  readonly stores: ReadonlyMap<string, TopologyStore>
}

export interface TopologyJson {
  readonly application?: string
  readonly subtopologies: readonly {
    readonly id: number
    readonly global: boolean
    readonly nodes: readonly NodeJson[]
    readonly copartitionGroups: readonly (readonly string[])[]
  }[]
  readonly stores: readonly StoreJson[]
}

export interface TransformOptions<K, V> extends Materialize<K, V> {
  readonly stores?: readonly string[]
}

export interface TumblingWindows {
  readonly kind: 'tumbling'
  readonly size: number
  readonly advance: number
  readonly grace: number
}

export type UncaughtErrorDecision = 'replaceThread' | 'shutdownClient' | 'shutdownApplication'

export type UncaughtErrorHandler = UncaughtErrorDecision | ((error: unknown) => UncaughtErrorDecision)

export interface UnlimitedWindows {
  readonly kind: 'unlimited'
  readonly start: number
}

export interface UpgradeChange {
  readonly subject: UpgradeSubject
  readonly change: 'kept' | 'added' | 'lost' | 'renumbered' | 'renamed' | 'changed'
  readonly before: string | null
  readonly after: string | null
  readonly topic: string | null
  readonly losesState: boolean
  readonly text: string
  readonly hint: string | null
}

export interface UpgradePlan {
  readonly application: {
    readonly before: string | null
    readonly after: string | null
  }
  readonly losesState: boolean
  readonly sideBySide: boolean
  readonly changes: readonly UpgradeChange[]
}

export type UpgradeSubject =
  | 'application'
  | 'store'
  | 'repartition topic'
  | 'sub-topology'
  | 'operator'
  | 'source topic'
  | 'output topic'

export interface ValueAndTimestamp<V> {
  readonly value: V
  readonly timestamp: number
}

export interface ValueTransformer<K, VIn, VOut> {
  init?(context: ProcessingContext): NoPromise
  transform(value: VIn | null, key: K): VOut | null
  close?(): NoPromise
}

export type ValueTransformerSupplier<K, VIn, VOut> = () => ValueTransformer<K, VIn, VOut>

export interface VersionRow<K, V> extends Row<K, V> {
  readonly validTo: number | undefined
}

export interface VersionedKeyValueStore<K, V> extends ReadOnlyVersionedKeyValueStore<K, V> {
  put(key: K, value: V | null, timestamp: number): 'latest' | 'historical' | 'rejected'
  delete(key: K, timestamp: number): VersionedRecord<V> | undefined
}

export interface VersionedRecord<V> extends ValueAndTimestamp<V> {
  readonly validTo: number | undefined
}

export interface VersionedStoreBuilderOptions<K, V> extends Omit<StoreBuilderOptions<K, V>, 'type'> {
  readonly history: Duration
}

export interface VersionedView<K, V> extends WatchView<K, V> {
  readonly name: string
  get(
    key: K,
    options?: QueryOptions & {
      readonly asOf?: number | Date
    },
  ): Promise<V | undefined>
  read(
    key: K,
    options?: QueryOptions & {
      readonly asOf?: number | Date
    },
  ): Promise<Answer<V>>
  versions(key: K, range?: TimeRange): AsyncIterableIterator<VersionRow<K, V>>
  range(range?: KeyRange<K>): AsyncIterableIterator<Row<K, V>>
  prefix(prefix: string | Uint8Array, options?: PrefixOptions): AsyncIterableIterator<Row<K, V>>
}

export interface ViewsByKind<K, V> {
  readonly keyValue: KeyValueView<K, V>
  readonly window: WindowView<K, V>
  readonly session: SessionView<K, V>
  readonly versioned: VersionedView<K, V>
}

export interface WatchOptions<K> extends QueryOptions {
  readonly key?: K
  readonly prefix?: string | Uint8Array
}

export interface WatchTimesOptions<K> extends QueryOptions {
  readonly key?: K
  readonly from?: number | Date
  readonly to?: number | Date
}

export interface WatchedRow<K, V> {
  readonly key: K
  readonly value: V | undefined
  readonly timestamp: number
  readonly partition: number
  readonly position: Position
}

export interface WatchedWindow<K, V> extends WatchedRow<K, V> {
  readonly start: number
  readonly end: number
}

export type Weekday = 'monday' | 'tuesday' | 'wednesday' | 'thursday' | 'friday' | 'saturday' | 'sunday'

export interface WindowBounds {
  readonly start: number
  readonly end: number
}

export interface WindowRow<K, V> extends Row<K, V> {
  readonly start: number
  readonly end: number
}

export interface WindowStore<K, V> extends ReadOnlyWindowStore<K, V> {
  put(key: K, value: V | null, start: number, timestamp?: number): void
}

export interface WindowStoreBuilderOptions<K, V> extends StoreBuilderOptions<K, V> {
  readonly retention: Duration
  readonly windowSize: Duration
  readonly retainDuplicates?: boolean
}

export interface WindowStoreEntry<K, V> {
  readonly key: K
  readonly start: number
  readonly end: number
  readonly value: V
  readonly timestamp: number
}

export interface WindowStoreOptions extends StoreOptions {
  readonly retention?: Duration
}

export interface WindowView<K, V> extends WatchTimesView<K, V> {
  readonly name: string
  get(key: K, start: number | Date, options?: QueryOptions): Promise<V | undefined>
  fetch(key: K, range?: TimeRange): AsyncIterableIterator<WindowRow<K, V>>
  range(range?: TimeRange): AsyncIterableIterator<WindowRow<K, V>>
}

export class Windowed<K> {
  readonly key: K
  readonly start: number
  readonly end: number
  private readonly madeByNew
  constructor(key: K, start: number, end: number)
  toString(): string
}

export interface WritableTopic<K, V> {
  readonly [TAKES]: Taken<K, V>
  readonly name: string
  readonly keySerde: Serde<unknown>
  readonly valueSerde: Serde<unknown>
  readonly partitioner: StreamPartitioner | undefined
}

export interface WriteOptions {
  readonly timestamp?: number
  readonly headers?: Headers
  readonly partition?: number
}

export function bytes(): Serde<Buffer>

export function calendar(unit: CalendarUnit, options: CalendarOptions): PeriodWindows

export function chooseEngine(name?: EngineName): Promise<ChosenEngine>

export function defineApp(config: AppConfig): Application

export function describe(topology: Topology): string

export function describeJson(topology: Topology, application?: string): TopologyJson

export function describeMermaid(topology: Topology): string

export function embeddedLog(options: EmbeddedLogOptions): Promise<Log>

export function float64(): Serde<number>

export function groupOffsets(log: Log, groupId: string): Promise<readonly GroupOffset[]>

export function hopping(
  size: Duration,
  options: {
    readonly advance: Duration
    readonly grace?: Duration
  },
): HoppingWindows

export function int32(): Serde<number>

export function int64(): Serde<bigint>

export function joinWindow(
  window: Duration,
  options?: {
    readonly grace?: Duration
  },
): JoinWindows
export function joinWindow(bounds: JoinWindowBounds): JoinWindows

export function json<T>(options?: JsonOptions): Serde<T>
export function json<S extends StandardSchemaV1>(
  schema: S,
  options?: JsonOptions,
): Serde<StandardSchemaV1.InferOutput<S>>

export function keyValueStore<K, V>(name: string, options: StoreBuilderOptions<K, V>): KeyValueStoreSpec

export function long(): Serde<number>

export const memoryEngine: SynchronousEngineFactory

export function memoryLog(options?: MemoryLogOptions): LocalLog

export function parseDuration(value: number | string, what: string): number

export function planUpgrade(before: Application | TopologyJson, after: Application | TopologyJson): UpgradePlan

export function readDeadLetters(
  app: Application,
  log: Log,
  options?: ReadDeadLettersOptions,
): AsyncGenerator<DeadLetter | NoDeadLetter, void, undefined>

export function readTopic<K, V>(
  log: Log,
  topic: ReadableTopic<K, V>,
  options?: ReadTopicOptions,
): AsyncGenerator<TopicRecord<K, V>, void, undefined>

export function replayDeadLetters(
  app: Application,
  log: Log,
  ids: readonly string[],
  options?: ReplayDeadLettersOptions,
): Promise<readonly DeadLetterReplay[]>

export function resetApplication(app: Application, options: ResetApplicationOptions): Promise<ApplicationReset>

export function resetGroupOffsets(
  log: Log,
  groupId: string,
  options: ResetGroupOffsetsOptions,
): Promise<readonly OffsetChange[]>

export function session(
  gap: Duration,
  options?: {
    readonly grace?: Duration
  },
): SessionWindows

export function sessionStore<K, V>(name: string, options: SessionStoreBuilderOptions<K, V>): SessionStoreSpec

export function sessionStoreRef<K, V>(name: string, serdes: RefSerdes<K, V>): StoreRef<'session', K, V>

export function sessionWindowed<K>(inner: Serde<K>): Serde<Windowed<K>>

export const silentLogger: Logger

export function sliding(
  difference: Duration,
  options?: {
    readonly grace?: Duration
  },
): SlidingWindows

export function stderrLogger(options?: StderrLoggerOptions): LeveledLogger

export function storeRef<K, V>(name: string, serdes: RefSerdes<K, V>): StoreRef<'keyValue', K, V>

export function string<T extends string = string>(): Serde<T>

export function timestampedKeyValueStore<K, V>(name: string, options: StoreBuilderOptions<K, V>): KeyValueStoreSpec

export function topic<K, V>(
  name: string,
  options: TopicOptions<K, V> & {
    readonly tombstones: true
  },
): Topic<K, V | null>
export function topic<K, V>(
  name: string,
  options: TopicOptions<K, V> & {
    readonly tombstones?: false
  },
): Topic<K, V>

export function tumbling(
  size: Duration,
  options?: {
    readonly grace?: Duration
  },
): TumblingWindows

export function unlimited(options?: { readonly start?: number }): UnlimitedWindows

export function untilTimeLimit(limit: Duration, buffer?: TimeLimitBuffer): Suppressed

export function untilWindowCloses(buffer?: StrictBuffer): Suppressed<Windowed<unknown>>

export function uuid<T extends string = string>(): Serde<T>

export function versionedKeyValueStore<K, V>(
  name: string,
  options: VersionedStoreBuilderOptions<K, V>,
): VersionedStoreSpec

export function versionedStoreRef<K, V>(name: string, serdes: RefSerdes<K, V>): StoreRef<'versioned', K, V>

export function windowStore<K, V>(name: string, options: WindowStoreBuilderOptions<K, V>): WindowStoreSpec

export function windowStoreRef<K, V>(name: string, serdes: RefSerdes<K, V>): StoreRef<'window', K, V>

export function windowed<K>(inner: Serde<K>, size: Duration | PeriodWindows): Serde<Windowed<K>>

export function windowsOf(
  windows: (timestamp: number) => readonly WindowBounds[],
  options: {
    readonly maxSize: Duration
    readonly grace?: Duration
  },
): PeriodWindows
