import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MaybePromise } from '../../../src/platform/maybe-promise.ts'
import type { DropReason } from '../../../src/record/drop-reason.ts'
import { Headers } from '../../../src/record/headers.ts'
import { RecordContext } from '../../../src/record/record-context.ts'
import { json, string, type Serde } from '../../../src/serde/serdes.ts'
import type { EngineFactory, KeyValueEngine } from '../../../src/engine/engine.ts'
import { memoryEngine } from '../../../src/engine/memory/memory-engine.ts'
import { rocksdbEngine } from '../../../src/engine/rocksdb/rocksdb.ts'
import type { StateEnvironment } from '../../../src/state/environment.ts'
import type { ChangelogRecord, ChangelogSink, StateStore } from '../../../src/state/states.ts'
import type {
  KeyValueStoreSpec,
  PeriodStoreSpec,
  SessionStoreSpec,
  StoreSpec,
  VersionedStoreSpec,
  WindowStoreSpec,
} from '../../../src/topology/store-spec.ts'
import { TaskState } from '../../../src/state/task/task-state.ts'

/** A changelog record as bytes. */
export interface Logged {
  readonly store: string
  readonly timestamp: number
  readonly key: Buffer
  readonly value: Buffer | null
  readonly headers: Headers | undefined
}

/** The engines that every store is tested on. */
export const ENGINES: readonly EngineFactory[] = [memoryEngine, rocksdbEngine]

/** One task's state, and what a runtime does with it. */
export class StateHarness {
  readonly record = new RecordContext()
  readonly drops: DropReason[] = []
  readonly log: Logged[] = []
  readonly #factory: EngineFactory
  readonly #directory = mkdtempSync(join(tmpdir(), 'millrace-state-'))
  readonly #specs: readonly StoreSpec[]
  readonly #options: Partial<StateEnvironment>
  #engine: KeyValueEngine | undefined
  #state: TaskState | undefined

  constructor(
    specs: readonly StoreSpec[],
    factory: EngineFactory = memoryEngine,
    options: Partial<StateEnvironment> = {},
  ) {
    this.#specs = specs
    this.#factory = factory
    this.#options = options
  }

  static async open(
    specs: readonly StoreSpec[],
    factory: EngineFactory = memoryEngine,
    options: Partial<StateEnvironment> = {},
  ): Promise<StateHarness> {
    const harness = new StateHarness(specs, factory, options)
    await harness.open()
    return harness
  }

  async open(): Promise<void> {
    this.#engine = await this.#factory.open(this.#directory)
    this.#state = await this.#taskState(this.#engine)
  }

  /** Closes without a commit and opens again, as after a crash. Stores in memory are restored from what was logged. */
  async reopen(): Promise<void> {
    if (this.#factory.persistent) {
      await this.state.close()
      await this.open()
      const inMemory = new Set(this.#specs.filter((spec) => !spec.persistent).map(({ name }) => name))
      await this.replay(this.log.filter(({ store }) => inMemory.has(store)))
    } else if (this.#engine !== undefined) this.#state = await this.#taskState(this.#engine)
  }

  async close(): Promise<void> {
    await this.#state?.close()
    rmSync(this.#directory, { recursive: true, force: true })
  }

  get state(): TaskState {
    if (this.#state === undefined) throw new Error('not open')
    return this.#state
  }

  get engine(): KeyValueEngine {
    if (this.#engine === undefined) throw new Error('not open')
    return this.#engine
  }

  store<S extends StateStore>(name = this.#specs[0]?.name ?? ''): S {
    const store = this.state.state(name)
    if (store === undefined) throw new Error(`no store ${name}`)
    return store as S
  }

  /** Sets the record being processed. */
  at(offset: number, timestamp = offset, topic = 'in'): this {
    this.record.set(topic, 0, offset, timestamp, new Headers())
    return this
  }

  /** Commits, in the four steps. Returns what was logged. */
  async commit(offset = 0): Promise<Logged[]> {
    this.state.flushCaches()
    const logged: Logged[] = []
    this.state.logChanges((store) => sinkInto(logged, store))
    this.state.prepareWrite()
    const checkpoint = { offset, topicId: 'id', time: 0 }
    await this.state.write(new Map(this.#specs.map(({ name }) => [name, checkpoint])))
    this.log.push(...logged)
    return logged
  }

  /** Replays a log into this state, in batches, each written at once. */
  async replay(log: readonly Logged[], batchSize = 7): Promise<void> {
    for (let i = 0; i < log.length; i += batchSize) {
      for (const logged of log.slice(i, i + batchSize)) this.state.restore(logged.store, cursorOf(logged))
      await this.state.write(new Map())
    }
  }

  #taskState(engine: KeyValueEngine): MaybePromise<TaskState> {
    return TaskState.open(engine, this.#specs, {
      task: '0_0',
      record: this.record,
      drop: (reason) => this.drops.push(reason),
      cacheBytes: 0,
      compatible: true,
      ...this.#options,
    })
  }
}

export function sinkInto(log: Logged[], store: string): ChangelogSink {
  return {
    append({ timestamp, buffer, keyStart, keyEnd, valueStart, valueEnd, headers }) {
      const key = Buffer.from(buffer.subarray(keyStart, keyEnd))
      const value = valueStart < 0 ? null : Buffer.from(buffer.subarray(valueStart, valueEnd))
      log.push({ store, timestamp, key, value, headers })
    },
  }
}

/** Returns a logged record as a reader shows it, between other bytes. */
export function cursorOf({ key, value, timestamp, headers }: Logged): ChangelogRecord {
  const buffer = Buffer.concat([Buffer.from('##'), key, value ?? Buffer.alloc(0), Buffer.from('##')])
  const keyEnd = 2 + key.length
  return {
    timestamp,
    buffer,
    keyStart: 2,
    keyEnd,
    valueStart: value === null ? -1 : keyEnd,
    valueEnd: value === null ? -1 : keyEnd + value.length,
    headers: (none) => headers ?? none,
  }
}

interface Base<K, V> {
  readonly name?: string
  readonly key?: Serde<K>
  readonly value?: Serde<V>
  readonly persistent?: boolean
  readonly caching?: boolean
}

function base<K, V>({ name = 'store', key, value, persistent = true, caching = false }: Base<K, V>) {
  return {
    name,
    keySerde: (key ?? string()) as Serde<unknown>,
    valueSerde: (value ?? json()) as Serde<unknown>,
    persistent,
    logging: {},
    caching,
  }
}

export function keyValueSpec<K, V>(
  options: Base<K, V> & Partial<Pick<KeyValueStoreSpec, 'timestamped'>> = {},
): KeyValueStoreSpec {
  return { kind: 'keyValue', ...base(options), timestamped: options.timestamped ?? true }
}

export function windowSpec<K, V>(
  options: Base<K, V> &
    Partial<
      Pick<
        WindowStoreSpec,
        'timestamped' | 'retention' | 'inclusiveRetention' | 'windowSize' | 'retainDuplicates' | 'timeOrdered'
      >
    > = {},
): WindowStoreSpec {
  const {
    timestamped = true,
    retention = 100,
    inclusiveRetention = false,
    windowSize = 10,
    retainDuplicates = false,
    timeOrdered = false,
  } = options
  const rows = { timestamped, retention, inclusiveRetention, retainDuplicates, timeOrdered }
  return { kind: 'window', ...base(options), windowSize, ...rows }
}

export function sessionSpec<K, V>(
  options: Base<K, V> & Partial<Pick<SessionStoreSpec, 'retention' | 'timeOrdered'>> = {},
): SessionStoreSpec {
  return {
    kind: 'session',
    ...base(options),
    retention: options.retention ?? 100,
    timeOrdered: options.timeOrdered ?? false,
  }
}

export function periodSpec<K, V>(
  options: Base<K, V> & Partial<Pick<PeriodStoreSpec, 'retention' | 'timeOrdered'>> = {},
): PeriodStoreSpec {
  return { ...sessionSpec(options), kind: 'period', maxSize: 1_000_000 }
}

export function versionedSpec<K, V>(options: Base<K, V> & { readonly history?: number } = {}): VersionedStoreSpec {
  return { kind: 'versioned', ...base(options), historyRetention: options.history ?? 100 }
}
