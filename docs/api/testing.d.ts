// What `import … from 'millrace/testing'` gives: names and signatures.
// Written by `npx vitest run test/architecture/api.test.ts -u`.

export interface DriverOptions {
  readonly partitions?: number | Readonly<Record<string, number>>
  readonly tasks?: 'real' | 'merged'
  readonly wallClock?: number
}

export interface InputOptions {
  readonly start?: number
  readonly advance?: Duration
}

export interface OpenDriverOptions extends DriverOptions {
  readonly engine: EngineFactory
  readonly directory: string
}

export interface OutputRecord<K, V> {
  readonly key: K | null
  readonly value: V
  readonly timestamp: number
  readonly headers: Headers
  readonly partition: number
}

export interface PipeOptions {
  readonly timestamp?: number
  readonly headers?: Iterable<readonly [name: string, value: string | Uint8Array | null]>
  readonly partition?: number
}

// As a type only.
export class TestInputTopic<K, V> {
  pipe(key: K | null, value: V | null, options?: PipeOptions): void
  pipeBytes(key: Uint8Array | null, value: Uint8Array | null, options?: PipeOptions): void
  pipeAll(records: Iterable<readonly [key: K | null, value: V | null]>): void
}

// As a type only.
export class TestOutputTopic<K, V> {
  get size(): number
  get isEmpty(): boolean
  read(): OutputRecord<K, V> | undefined
  readAll(): OutputRecord<K, V>[]
  readValues(): V[]
  readKeyValues(): [key: K | null, value: V][]
  readMap(): Map<K | null, V>
}

export class TopologyTestDriver implements Disposable, AsyncDisposable {
  readonly topology: Topology
  constructor(app: Application, options?: DriverOptions)
  static open(app: Application, options: OpenDriverOptions): Promise<TopologyTestDriver>
  restart(options: { readonly keepState: boolean }): Promise<void>
  input<K, V>(topic: Topic<K, V>, options?: InputOptions): TestInputTopic<K, V>
  output<K, V>(topic: Topic<K, V>): TestOutputTopic<K, V>
  settled(): Promise<void>
  advanceWallClock(by: Duration): void
  get wallClock(): number
  store<S>(name: string, partition?: number): S
  query<Kind extends StoreKind, K, V>(ref: StoreRef<Kind, K, V>): ViewsByKind<K, V>[Kind]
  query<
    View extends {
      readonly name: string
    },
  >(name: string): View
  get dropped(): DropCounter
  get producedTopics(): readonly string[]
  get streamTime(): number
  close(): void
  [Symbol.dispose](): void
  [Symbol.asyncDispose](): Promise<void>
}
