import type { Topic } from '../dsl/options/topic.ts'
import { systemClock } from '../platform/clock.ts'
import { OpenScans } from '../query/open-scans.ts'
import { StoreQueries } from '../query/store-queries.ts'
import { viewOf } from '../query/store-views.ts'
import type { ViewsByKind } from '../query/views.ts'
import type { StoreKind, StoreRef } from '../topology/store-ref.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import { PartitionMap, type CommittedOffset } from '../log/log.ts'
import { isPromise, type MaybePromise } from '../platform/maybe-promise.ts'
import { DropCounter, sumOfDrops } from '../runtime/node/drop-counter.ts'
import { requireApplication } from '../application/app-module.ts'
import { GLOBAL_STATE } from '../runtime/thread/global-tables.ts'
import { encodeOffsetMetadata } from '../runtime/task/offset-metadata.ts'
import { runSteps, runStepsNow } from '../platform/steps.ts'
import { memoryEngine } from '../engine/memory/memory-engine.ts'
import type { Application } from '../application/application.ts'
import type { Topology } from '../topology/topology.ts'
import { readOptions } from '../options/options.ts'
import { parseDuration, type Duration } from '../windowing/windows.ts'
import {
  driverSettings,
  OPEN_DRIVER,
  RESTART,
  type DriverSettings,
  type DriverOptions,
  type InputOptions,
  type OpenDriverOptions,
} from './driver-options.ts'
import { closeParts, openOn, openParts, settleGroup, type DriverParts } from './driver-parts.ts'
import { PipedRecords, TestInputTopic, TestOutputTopic } from './driver-topics.ts'

/**
 * Runs an application in memory, synchronously, on the runtime that production uses: each `pipe` returns once
 * everything that follows from the record has been processed and committed. Wall-clock time stands still until it is
 * advanced.
 *
 * The `pipe` that causes an error of the application throws it. The record counts as consumed, and the application goes
 * on from its last commit.
 *
 * @example
 * ```ts
 * using driver = new TopologyTestDriver(app)
 * driver.input(payments).pipe('alice', { from: 'alice', to: 'bob', cents: 200 }, { timestamp: 0 })
 * driver.output(totals).readAll()
 * ```
 * Behaves as Kafka Streams' `TopologyTestDriver` (its documentation: "Testing a Streams Application").
 */
export class TopologyTestDriver implements Disposable, AsyncDisposable {
  readonly topology: Topology
  readonly #app: Application
  readonly #options: DriverSettings
  readonly #queries: StoreQueries
  #parts: DriverParts
  /** Drops of the runs before the last restart. */
  #dropsBefore = new DropCounter()
  readonly #producedBefore = new Set<string>()
  readonly #pipedRecords = new PipedRecords()
  readonly #outputs = new Map<string, TestOutputTopic<unknown, unknown>>()

  /**
   * Runs the application on the memory engine.
   *
   * @throws MR_CONFIG for an option that is unknown or impossible; MR_TOPOLOGY… and other errors of starting the
   * application
   */
  constructor(app: Application, options?: DriverOptions)
  /** @internal */
  constructor(app: Application, options: DriverOptions, parts: DriverParts)
  constructor(app: Application, options: DriverOptions = {}, parts?: DriverParts) {
    requireApplication(app, 'new TopologyTestDriver()')
    this.#app = app
    this.#options = driverSettings(options)
    this.#parts = parts ?? runStepsNow(openParts(app, this.#options, memoryEngine, ''))
    this.topology = this.#parts.topology
    // Nobody advances the driver's clock while an answer is awaited.
    const scans = new OpenScans({ clock: systemClock, find: (request) => this.#parts.manager.readable.find(request) })
    this.#queries = new StoreQueries({
      topology: this.topology,
      applicationId: app.id,
      log: { describeTopics: (names) => this.#parts.log.describeTopics(names) },
      clock: systemClock,
      owners: { open: async (request) => ({ page: await scans.open(request), scans }) },
      guarantee: app.settings.guarantee,
    })
  }

  /**
   * Runs the application on another engine, which must write synchronously, as RocksDB does. Its files stay.
   *
   * @throws MR_CONFIG for an option that is unknown or impossible; MR_TOPOLOGY… and other errors of starting the
   * application
   */
  static async open(app: Application, options: OpenDriverOptions): Promise<TopologyTestDriver> {
    const { engine, directory, ...settings } = readOptions(OPEN_DRIVER, options, 'TopologyTestDriver.open()')
    const parts = await runSteps(openParts(app, settings, engine, directory))
    const { engine: _engine, directory: _directory, ...driver } = options
    return new TopologyTestDriver(app, driver, parts)
  }

  /**
   * Stops the application and starts it again on the same log. It begins from its committed offsets, its changelogs
   * and, with `keepState`, the directory of its engine. Input topics from before the restart must not be used any more.
   */
  async restart(options: { readonly keepState: boolean }): Promise<void> {
    const { keepState } = readOptions(RESTART, options, 'restart()')
    const { log, clock, home, manager } = this.#parts
    const tasks = manager.tasks.map((task) => task.id)
    this.#dropsBefore = this.dropped
    for (const topic of this.#parts.recording.topics) this.#producedBefore.add(topic)
    await runSteps(closeParts(this.#parts, 'clean'))
    if (!keepState) for (const id of [...tasks, GLOBAL_STATE]) await home.destroy(id)
    this.#parts = await runSteps(openOn(log, clock, home, this.#app, this.#options))
  }

  /**
   * Returns a topic to pipe records into.
   *
   * @throws MR_TOPIC_UNKNOWN if the application neither reads nor writes the topic; MR_DURATION
   */
  input<K, V>(topic: Topic<K, V>, options: InputOptions = {}): TestInputTopic<K, V> {
    const { feeder, clock } = this.#parts
    return new TestInputTopic(
      topic,
      feeder,
      this.#partitionCount(topic.name),
      () => clock.now(),
      (name, partition) => this.#piped(name, partition),
      options,
    )
  }

  /**
   * Returns the reader of a topic, the same one for each call: a record is read once.
   *
   * @throws MR_TOPIC_UNKNOWN if the application neither reads nor writes the topic
   */
  output<K, V>(topic: Topic<K, V>): TestOutputTopic<K, V> {
    const known = this.#outputs.get(topic.name)
    if (known !== undefined) return known as TestOutputTopic<K, V>
    const reader = this.#parts.log.openReader()
    const output = new TestOutputTopic(topic, reader, this.#partitionCount(topic.name), this.#pipedRecords)
    this.#outputs.set(topic.name, output as TestOutputTopic<unknown, unknown>)
    return output
  }

  #partitionCount(topic: string): number {
    const description = now(this.#parts.log.describeTopics([topic])).get(topic)
    if (description !== undefined) return description.partitions
    throw new MillraceError('MR_TOPIC_UNKNOWN', `the application neither reads nor writes a topic "${topic}"`, {
      topic,
      hint: 'Check the name. Names of internal topics begin with the application id.',
    })
  }

  #piped(topic: string, partition: number): void {
    const { feeder } = this.#parts
    now(feeder.flush())
    const offset = feeder.lastOffset(topic, partition)
    if (offset !== undefined) this.#pipedRecords.add(topic, partition, offset)
    this.#drain()
  }

  /** Processes one record, punctuates and commits, until nothing is left. */
  #drain(): void {
    const { manager, globals, recording } = this.#parts
    try {
      for (;;) {
        globals.poll()
        manager.poll()
        recording.startRound()
        if (manager.drainCalls() === 0 && !manager.processOne() && !manager.commitNeeded) return
        this.#commit()
      }
    } catch (error) {
      this.#recover(error)
      throw error
    }
  }

  /**
   * Resolves when no call of an asynchronous step runs, and everything that follows from their results has been
   * processed and committed. Records that were piped beyond `concurrency` have been called by then, too. Timeouts and
   * pauses between attempts go by `advanceWallClock`: a call that never ends keeps this from resolving until then.
   *
   * @throws what the application ends with
   * @example
   * ```ts
   * driver.input(payments).pipe('alice', payment)
   * await driver.settled()
   * driver.output(scored).readAll()
   * ```
   */
  async settled(): Promise<void> {
    this.#drain()
    while (this.#parts.manager.callsRunning) {
      await this.#parts.callEnded()
      this.#drain()
    }
  }

  #commit(): void {
    const { manager } = this.#parts
    const outcome = runStepsNow(manager.commit())
    if (outcome !== 'committed') throw new MillraceError('MR_COMMIT', `the commit ended with the outcome ${outcome}`)
  }

  /** Removes all effects of a failed record. The record counts as consumed, so that the next one can be tried. */
  #recover(error: unknown): void {
    const { client, manager } = this.#parts
    const owned = manager.owned
    runStepsNow(manager.closeDirty())
    if (
      error instanceof MillraceError &&
      error.topic !== undefined &&
      error.partition !== undefined &&
      error.offset !== undefined &&
      !this.#isGlobal(error.topic)
    ) {
      const { topic, partition, offset } = error
      const skipped = new PartitionMap<CommittedOffset>()
      const metadata = now(client.committed([{ topic, partition }])).get(topic, partition)?.metadata
      skipped.set(topic, partition, { offset: offset + 1, metadata: metadata ?? encodeOffsetMetadata(-1, new Map()) })
      now(client.commit(skipped))
    }
    runStepsNow(manager.assign(owned))
    runStepsNow(settleGroup(client, manager))
  }

  /** True for topics of global tables, which belong to no task: nothing is committed for them. */
  #isGlobal(topic: string): boolean {
    return this.topology.subtopologies.some(
      ({ global, nodes }) => global && nodes.some((node) => node.kind === 'source' && node.topics.includes(topic)),
    )
  }

  /**
   * Advances wall-clock time in one step. Stream time advances if the application has `idleAfter`, and each wall-clock
   * punctuator that is due runs once.
   */
  advanceWallClock(by: Duration): void {
    const { clock, manager } = this.#parts
    clock.advance(parseDuration(by, 'advanceWallClock'))
    try {
      manager.passTime()
      manager.punctuate()
    } catch (error) {
      this.#recover(error)
      throw error
    }
    this.#drain()
  }

  /** Wall-clock time, ms since the epoch. */
  get wallClock(): number {
    return this.#parts.clock.now()
  }

  /**
   * Returns the user's view of a store in a partition. Changes are committed with the next record.
   *
   * @throws MR_STORE_UNKNOWN
   */
  store<S>(name: string, partition = 0): S {
    const { manager, globals } = this.#parts
    const owner = manager.states(name).find(({ task }) => task.endsWith(`_${partition}`))
    const store = owner?.state.userStore(name) ?? globals.userStore(name)
    if (store !== undefined) return store as S
    throw new MillraceError('MR_STORE_UNKNOWN', `there is no store "${name}" for partition ${partition}`, {
      store: name,
      hint: `The stores are: ${[...this.topology.stores.keys()].join(', ') || 'none'}.`,
    })
  }

  /**
   * Returns a store to be asked, as `streams.store` does for a running application: by its reference, or by its name.
   * Answers are promises here, too.
   *
   * @throws MR_STORE_UNKNOWN; MR_QUERY_KIND if the store is of another kind than the reference
   * @example
   * ```ts
   * driver.input(payments).pipe('alice', { cents: 100 })
   * expect(await driver.query(totals).get('alice')).toEqual({ payments: 1, cents: 100 })
   * ```
   */
  query<Kind extends StoreKind, K, V>(ref: StoreRef<Kind, K, V>): ViewsByKind<K, V>[Kind]
  query<View extends { readonly name: string }>(name: string): View
  query(named: string | Pick<StoreRef<StoreKind, unknown, unknown>, 'kind' | 'name'>): unknown {
    return viewOf(this.#queries, named)
  }

  /** Numbers of dropped records by reason, over all tasks. */
  get dropped(): DropCounter {
    const { manager, globals } = this.#parts
    return sumOfDrops([this.#dropsBefore, manager.drops, globals.drops])
  }

  /** Topics written to so far, internal ones included. */
  get producedTopics(): readonly string[] {
    return [...new Set([...this.#producedBefore, ...this.#parts.recording.topics])].sort()
  }

  /** Greatest stream time of all tasks, ms since the epoch; -1 before the first record. */
  get streamTime(): number {
    return Math.max(-1, ...this.#parts.manager.tasks.map((task) => task.processing.streamTime))
  }

  /** Closes processors and drops all state. On other engines use `await using` or `Symbol.asyncDispose`. */
  close(): void {
    runStepsNow(closeParts(this.#parts, 'dirty'))
    now(this.#parts.log.close())
  }

  [Symbol.dispose](): void {
    this.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await runSteps(closeParts(this.#parts, 'dirty'))
    await this.#parts.log.close()
  }
}

function now<T>(answer: MaybePromise<T>): T {
  if (!isPromise(answer)) return answer
  throw new MillraceError('MR_NOT_SYNCHRONOUS', 'the memory log returned a promise')
}
