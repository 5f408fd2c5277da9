import { MillraceError } from '../../errors/millrace-error.ts'
import { isPromise, type MaybePromise } from '../../platform/maybe-promise.ts'
import type { CallbackScope } from '../../record/callback-scope.ts'
import { ByteWriter } from '../rows/byte-writer.ts'
import { RowKeys } from '../rows/row-keys.ts'
import { createStore } from './create-store.ts'
import { EngineSpace, type Checkpoint } from './engine-space.ts'
import type { EngineEstimate, KeyValueEngine } from '../../engine/engine.ts'
// Stores that are not persistent need this engine whatever the task's own is, and it binds nothing foreign.
// oxlint-disable-next-line no-restricted-imports
import { memoryEngine } from '../../engine/memory/memory-engine.ts'
import type { ByteBudget, StateEnvironment } from '../environment.ts'
import type { Prefetchable } from '../prefetchable.ts'
import type { ChangelogRecord, ChangelogSink, Pace, StateStore } from '../states.ts'
import type { StoreReads } from '../reads.ts'
import type { StoreSpec } from '../../topology/store-spec.ts'
import type { TaskStore } from '../task-store.ts'
import { OpenIterators } from '../views/store-iterator.ts'
import { outsideStore, readOnlyStore, userStore } from '../views/user-store.ts'

export type { Checkpoint } from './engine-space.ts'
export type { StateEnvironment } from '../environment.ts'

const DEFAULT_RESIDENT_BYTES = 32 * 1024 * 1024

interface OpenStore {
  readonly spec: StoreSpec
  readonly space: EngineSpace
  store: TaskStore
  outside: unknown
}

/**
 * The stores of one task, over the task's engine and one in memory for stores that are not persistent. Changes stay
 * above the engines until a commit writes them: the engines hold committed state only.
 *
 * A commit calls `flushCaches` and `logChanges`. Once it is known to have succeeded, `write` may bring the engines up
 * to it, or a later commit may: the changelogs have what the engines lack. Nothing may be processed between
 * `logChanges` and the `write` that follows it.
 */
export class TaskState {
  readonly #environment: StateEnvironment
  readonly #main: EngineSpace
  readonly #memory: EngineSpace
  readonly #stores = new Map<string, OpenStore>()
  /** The values of `#stores`: a walk over the map would make an iterator for every record. */
  readonly #all: OpenStore[] = []
  readonly #cached: TaskStore[] = []
  readonly #rows = new ByteWriter()
  readonly #scratch = new ByteWriter(1024)
  readonly #rowKeys = new RowKeys()
  readonly #held: ByteBudget
  readonly #resident: ByteBudget = { bytes: 0 }
  readonly #allPersistent: boolean
  readonly #iterators = new OpenIterators(() => this.#forgetExcess())
  /** Bound of the bytes of entries kept although the engine has them. */
  #entryLimit: number
  /** True if the changes are in the batches of the spaces. */
  #isPrepared = false
  #isReadable = true
  /** Changes when what is being read cannot be read on: the engine was closed. */
  readEdition = 0
  /** Clean bytes up to which no more entries can be forgotten: the rest of them have changes. */
  #retryAbove = 0

  /**
   * Opens the stores where their last commit left them.
   *
   * @throws MR_STATE_FOREIGN if the engine was written by a version with another format
   */
  static open(
    engine: KeyValueEngine,
    specs: readonly StoreSpec[],
    environment: StateEnvironment,
  ): MaybePromise<TaskState> {
    const shared = engine.name === 'memory' || specs.every((spec) => spec.persistent)
    const memory = shared ? engine : memoryEngine.open('')
    if (isPromise(memory)) return memory.then((opened) => TaskState.#over(engine, opened, specs, environment))
    return TaskState.#over(engine, memory, specs, environment)
  }

  static #over(
    engine: KeyValueEngine,
    memory: KeyValueEngine,
    specs: readonly StoreSpec[],
    environment: StateEnvironment,
  ): MaybePromise<TaskState> {
    const state = new TaskState(engine, memory, specs, environment)
    const written = state.#writeSpaces()
    return isPromise(written) ? written.then(() => state) : state
  }

  private constructor(
    engine: KeyValueEngine,
    memory: KeyValueEngine,
    specs: readonly StoreSpec[],
    environment: StateEnvironment,
  ) {
    this.#environment = environment
    this.#entryLimit = environment.residentBytes ?? DEFAULT_RESIDENT_BYTES
    this.#held = environment.held ?? { bytes: 0 }
    this.#main = new EngineSpace(engine, environment.task)
    this.#memory = memory === engine ? this.#main : new EngineSpace(memory, environment.task)
    this.#allPersistent = specs.every((spec) => spec.persistent)
    for (const spec of specs) {
      const space = spec.persistent ? this.#main : this.#memory
      const store = this.#create(spec, space)
      const open: OpenStore = { spec, space, store, outside: undefined }
      this.#stores.set(spec.name, open)
      this.#all.push(open)
      if (store.cached) this.#cached.push(store)
    }
  }

  /** Returns the store of this name for operators. */
  state(name: string): StateStore | undefined {
    return this.#stores.get(name)?.store
  }

  /** The stores that can read rows before they are asked for them. */
  get prefetchable(): readonly Prefetchable[] {
    return this.#all.flatMap(({ store }) => store.prefetchable ?? [])
  }

  get states(): readonly StateStore[] {
    return this.#all.map(({ store }) => store)
  }

  /**
   * Returns the store of this name for users. It never hands out an object that the store keeps.
   *
   * @param scope the processor whose callbacks may write; without it anybody may at any time
   */
  userStore(name: string, scope?: CallbackScope): unknown {
    const open = this.#stores.get(name)
    return open === undefined ? undefined : userStore(open.store, this.#environment, this.#iterators, scope)
  }

  /** Returns the store of this name for processors that may read it, but not write to it. */
  readOnlyStore(name: string): unknown {
    const open = this.#stores.get(name)
    return open === undefined ? undefined : readOnlyStore(open.store, this.#iterators)
  }

  /**
   * Returns the store of this name for readers outside of the task, who see its latest rows and leave nothing behind in
   * its memory. Its iterators end when the task goes on. Undefined for the buffers of operators.
   */
  outsideStore(name: string): unknown {
    const open = this.#stores.get(name)
    if (open?.store.reads === undefined) return undefined
    return (open.outside ??= outsideStore(open.spec, open.store.reads, this.#iterators))
  }

  /**
   * Returns the store of this name as queries read it; undefined for the buffers of operators. May be called between
   * any two steps of the task, and while a commit is under way.
   *
   * @throws MR_STORE_UNKNOWN
   */
  reads(name: string): StoreReads | undefined {
    return this.#open(name).store.reads
  }

  /** True if the store holds updates back from what follows it. @throws MR_STORE_UNKNOWN */
  isCached(name: string): boolean {
    return this.#open(name).store.cached
  }

  /** False while the engine is closed, or opened again. */
  get isReadable(): boolean {
    return this.#isReadable
  }

  /** To be called before the engine is closed: whatever is being read cannot be read on. */
  suspendReads(): void {
    this.#isReadable = false
    this.readEdition++
  }

  /** The engine is open again. */
  resumeReads(): void {
    this.#isReadable = true
  }

  /** Returns what the engines know of their size. */
  get estimates(): readonly EngineEstimate[] {
    const engines = this.#memory === this.#main ? [this.#main] : [this.#main, this.#memory]
    return engines.flatMap(({ engine }) => engine.estimate?.() ?? [])
  }

  /** The approximate memory of what the engines lack, bytes. */
  get dirtyBytes(): number {
    let bytes = 0
    for (const { store } of this.#all) bytes += store.dirtyBytes
    return bytes
  }

  /** The approximate memory of entries that the engines have, too, bytes. */
  get cleanBytes(): number {
    return this.#resident.bytes - this.dirtyBytes
  }

  /** Emits what caches hold back, upstream stores first. Returns false if the pace said stop before that was all. */
  flushCaches(pace?: Pace): boolean {
    this.#iterators.endAll()
    let emitted = this.#cached.length > 0
    while (emitted) {
      emitted = false
      for (const store of this.#cached) {
        if (!store.flushCache(pace)) continue
        if (pace?.isOver) return false
        emitted = true
      }
    }
    return true
  }

  /** Call between records. Ends iterators that users left open, and emits what caches hold back above their bound. */
  trimCache(): void {
    this.#iterators.endAll()
    const { cacheBytes } = this.#environment
    let emitted = this.#held.bytes > cacheBytes
    while (emitted) {
      emitted = false
      for (const store of this.#cached) {
        if (this.#held.bytes > cacheBytes && store.emitOldest()) emitted = true
      }
    }
    this.#forgetExcess()
  }

  /** Changes the bound of entries kept although the engine has them, bytes. */
  limitEntries(bytes: number): void {
    this.#entryLimit = bytes
    this.#forgetExcess()
  }

  #forgetExcess(): void {
    const limit = this.#entryLimit
    if (this.#resident.bytes <= limit) return
    const clean = this.cleanBytes
    const excess = clean - limit
    if (excess <= 0 || clean <= this.#retryAbove) return
    const target = this.#resident.bytes - excess
    for (const { store } of this.#all) {
      if (this.#resident.bytes > target) store.evict(this.#resident.bytes - target)
    }
    const left = this.cleanBytes
    this.#retryAbove = left > limit ? left + limit / 16 : 0
  }

  /** Hands what changed since the last call to the sink of its store, if it has one. */
  logChanges(sinkFor: (store: string) => ChangelogSink | undefined): void {
    // Changes logged now would count as written with the batch, which lacks them.
    if (this.#isPrepared) throw new TypeError('the commit before was prepared, and neither written nor discarded')
    for (const [name, { store }] of this.#stores) store.logChanges(sinkFor(name))
  }

  /** The commit for which changes were logged last has succeeded. `write` may follow now, or with a later commit. */
  committed(): void {
    for (const { store } of this.#all) store.committed?.()
  }

  /**
   * Does the part of `write` that may be done before the commit is known to succeed. `write` or `discard` must follow,
   * and nothing may be processed before that.
   */
  prepareWrite(): void {
    if (this.#isPrepared) return
    try {
      for (const { store, space } of this.#all) {
        store.logChanges(undefined)
        store.writeChanges(space.batch)
      }
      this.#main.prepare()
      if (this.#memory !== this.#main) this.#memory.prepare()
    } catch (error) {
      // What some of the stores added must not be written without the rest.
      this.#main.discard()
      this.#memory.discard()
      throw error
    }
    this.#isPrepared = true
  }

  /**
   * Writes all changes, what was restored, and these checkpoints, in one batch per engine. A checkpoint has the name of
   * a store, or any other. Changes that `logChanges` was not called for are in no changelog.
   */
  write(checkpoints: ReadonlyMap<string, Checkpoint>): MaybePromise<void> {
    const restored = this.#restoredKeys()
    this.prepareWrite()
    this.#isPrepared = false
    for (const [name, checkpoint] of checkpoints) this.#spaceOf(name).setCheckpoint(name, checkpoint)
    const written = this.#writeSpaces()
    if (isPromise(written)) return written.then(() => this.#written(restored))
    this.#written(restored)
  }

  /** Returns the keys of the rows that were restored, by space, where somebody watches a standby. */
  #restoredKeys(): ReadonlyMap<EngineSpace, readonly Buffer[]> {
    const keys = new Map<EngineSpace, readonly Buffer[]>()
    for (const { store, space } of this.#all) {
      if (store.isWatched === true && !keys.has(space)) keys.set(space, space.restored.keys())
    }
    return keys
  }

  /** Returns how far the rows in the engine are, if a checkpoint of this name was written. */
  checkpoint(name: string): Checkpoint | undefined {
    return this.#spaceOf(name).checkpoint(name)
  }

  /** Applies a changelog record to a store. `write` makes it durable. @throws MR_STORE_UNKNOWN */
  restore(name: string, record: ChangelogRecord): void {
    const { store, space } = this.#open(name)
    // Kafka Streams never writes a changelog record without a key; a foreign one means nothing.
    if (record.keyStart >= 0) store.restore(record, space.restored)
  }

  /** True if so much was restored that it should be written now. */
  get restoreIsFull(): boolean {
    return this.#main.restored.isFull || this.#memory.restored.isFull
  }

  /** Deletes a store's rows and checkpoint. Call before the store is given to operators. @throws MR_STORE_UNKNOWN */
  wipe(name: string): MaybePromise<void> {
    const open = this.#open(name)
    open.store.close()
    open.space.empty(name)
    const index = this.#cached.indexOf(open.store)
    open.store = this.#create(open.spec, open.space)
    open.outside = undefined
    if (index >= 0) this.#cached[index] = open.store
    return this.#writeSpaces()
  }

  /** Forgets everything that is not written: stores are again as the last `write` left them. */
  discard(): void {
    for (const { store } of this.#all) store.discard()
    this.#main.discard()
    this.#memory.discard()
    this.#isPrepared = false
    this.#rows.rewind()
  }

  /** Closes stores and engines. What is not written is lost. */
  close(): MaybePromise<void> {
    this.suspendReads()
    this.#iterators.endAll()
    for (const { store } of this.#all) store.close()
    const closed = this.#main.engine.close()
    if (this.#memory === this.#main) return closed
    return both(closed, this.#memory.engine.close())
  }

  #create(spec: StoreSpec, space: EngineSpace): TaskStore {
    return createStore(spec, {
      environment: this.#environment,
      engine: space.engine,
      prefix: space.allocate(spec),
      kept: space.kept(spec.name),
      keptKey: space.keptKey(spec.name),
      rows: this.#rows,
      scratch: this.#scratch,
      rowKeys: this.#rowKeys,
      held: this.#held,
      resident: this.#resident,
    })
  }

  #written(restored: ReadonlyMap<EngineSpace, readonly Buffer[]>): void {
    for (const { store } of this.#all) store.written()
    for (const { store, space } of this.#all) store.restoredRows?.(restored.get(space) ?? [])
    this.#rows.rewind()
    this.#retryAbove = 0
    this.#forgetExcess()
  }

  #writeSpaces(): MaybePromise<void> {
    const written = this.#main.write()
    return this.#memory === this.#main ? written : both(written, this.#memory.write())
  }

  /** A checkpoint is kept with its rows: that of rows in memory must not outlive them. */
  #spaceOf(name: string): EngineSpace {
    const open = this.#stores.get(name)
    if (open !== undefined) return open.space
    return this.#allPersistent ? this.#main : this.#memory
  }

  #open(name: string): OpenStore {
    const open = this.#stores.get(name)
    if (open === undefined) {
      throw new MillraceError('MR_STORE_UNKNOWN', `the task has no store "${name}"`, {
        task: this.#environment.task,
        store: name,
        hint: 'Stores of a task are those of its sub-topology; see `millrace describe`.',
      })
    }
    return open
  }
}

function both(first: MaybePromise<void>, second: MaybePromise<void>): MaybePromise<void> {
  if (!isPromise(first)) return second
  return isPromise(second) ? Promise.all([first, second]).then(() => undefined) : first
}
