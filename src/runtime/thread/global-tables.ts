import type { Log, LogProducer, LogReader, TopicPartition } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import type { DropReason } from '../../record/drop-reason.ts'
import { RecordContext } from '../../record/record-context.ts'
import type { EngineEstimate } from '../../engine/engine.ts'
import type { StoreCounts } from '../../state/environment.ts'
import type { StateStore } from '../../state/states.ts'
import type { TaskState } from '../../state/task/task-state.ts'
import type { Application, Logger } from '../../application/application.ts'
import type { Subtopology, Topology } from '../../topology/topology.ts'
import { ThreadCounters } from '../counters/thread-counters.ts'
import { DropCounter } from '../node/drop-counter.ts'
import { DroppedRecords } from '../node/dropped-records.ts'
import { InputLookup } from '../failures/input-lookup.ts'
import { MemoryShare } from '../memory/memory-budget.ts'
import { openState } from '../state-directory/open-state.ts'
import { RecordWriter } from '../output/record-writer.ts'
import type { OwnedStore } from '../../query/open-scans.ts'
import { RepeatedLines } from '../../application/repeated-lines.ts'
import { DEFAULT_TOMBSTONE_RETENTION, planRestore, type ChangelogRange } from '../restore/restore-job.ts'
import type { StateHome } from '../state-directory/state-home.ts'
import { wait, type Steps } from '../../platform/steps.ts'
import { Processing } from '../task/processing.ts'
import { sourceTopics } from '../task/task-wiring.ts'
import { MillraceError } from '../../errors/millrace-error.ts'

/** Names the state of the global tables, as a task's id names its own. */
export const GLOBAL_STATE = 'global'
/** ms between two writes of what has been applied; after a crash the rest is read again. */
const WRITE_INTERVAL = 1000

interface GlobalPartition extends TopicPartition {
  readonly processing: Processing
  /** Where the topic ended when reading began: the table is complete once this is reached. */
  readonly end: number
  readonly checkpoint: string
  readonly topicId: string
}

/** What is open if the topology has global tables. */
interface OpenTables {
  readonly state: TaskState
  readonly reader: LogReader
  /** Writes dead letters. */
  readonly producer: LogProducer
  readonly partitions: readonly GlobalPartition[]
  /** Bytes of changes for which a write is due. */
  readonly mostChanges: number
  readonly release: () => void
}

/**
 * The global tables of one process: every partition of their topics, read outside the group, complete before the first
 * task runs and kept up to date afterwards. The topics are their own changelogs.
 */
export class GlobalTables {
  readonly drops: DropCounter
  readonly counters: ThreadCounters
  readonly #clock: Clock
  readonly #open: OpenTables | undefined
  #lastWrite: number

  private constructor(clock: Clock, drops: DropCounter, counters: ThreadCounters, open?: OpenTables) {
    this.drops = drops
    this.counters = counters
    this.#clock = clock
    this.#open = open
    this.#lastWrite = clock.monotonic()
  }

  /**
   * Opens the tables where they were left; `bootstrap` brings them up to date.
   *
   * @param name of their directory: every thread with a memory of its own has a copy
   * @throws MR_TOPIC_UNKNOWN
   */
  static *open(
    app: Application,
    topology: Topology,
    log: Log,
    home: StateHome,
    clock: Clock,
    name = GLOBAL_STATE,
  ): Steps<GlobalTables> {
    const subtopologies = topology.subtopologies.filter((subtopology) => subtopology.global)
    const drops = new DropCounter()
    const counters = new ThreadCounters(topology, clock.monotonic())
    if (subtopologies.length === 0) return new GlobalTables(clock, drops, counters)
    const lines = new RepeatedLines(app.settings.logger, clock)
    const record = new RecordContext()
    const specs = [...topology.stores.values()].filter((store) => store.global).map((store) => store.spec)
    const { logger, compatible } = app.settings
    const memory = new MemoryShare(app.settings, topology)
    const dropped = new DroppedRecords(name, record, lines, logger, drops)
    const environment = {
      task: name,
      record,
      drop: (reason: DropReason, store: string): void => dropped.drop(reason, 'store', store),
      counts: (store: string): StoreCounts => counters.countsOf(store),
      cacheBytes: 0,
      residentBytes: memory.entries,
      compatible,
    }
    const sources: { subtopology: Subtopology; ranges: PartitionRange[] }[] = []
    for (const subtopology of subtopologies) {
      sources.push({ subtopology, ranges: yield* partitionsOf(app, subtopology, log) })
    }
    const state = yield* openState(home, specs, [], environment, app.id, memory.engine, logger)
    const reader = log.openReader({ fetchBytes: memory.parts.input })
    const producer = log.openProducer()
    const writer = new RecordWriter(producer)
    const inputLookup = new InputLookup(log, clock)
    const partitions: GlobalPartition[] = []
    const release = (): void => {
      lines.close()
      inputLookup.close()
      home.release(name)
    }
    const { changes: mostChanges } = memory.parts
    const tables = new GlobalTables(clock, drops, counters, {
      state,
      reader,
      producer,
      partitions,
      mostChanges,
      release,
    })
    try {
      for (const { subtopology, ranges } of sources) {
        const wiped = yield* wipeUnusable(state, subtopology, ranges, clock.now(), logger)
        for (const { topic, topicId, partition, earliest, end } of ranges) {
          const checkpoint = checkpointName(topic, partition)
          const offset = wiped ? earliest : (state.checkpoint(checkpoint)?.offset ?? earliest)
          const id = `${GLOBAL_STATE}_${partition}`
          const processing = new Processing({
            taskId: id,
            partition,
            applicationId: app.id,
            settings: app.settings,
            subtopologies: [subtopology],
            inputs: [{ topic, partition, offset, metadata: '' }],
            stores: {
              state: (name) => state.state(name),
              // Nobody knows how far other global stores are: what is written to them would not come again.
              userStore: (store, scope) =>
                subtopology.stores.includes(store) ? state.userStore(store, scope) : state.readOnlyStore(store),
              isGlobal: () => true,
              prefetchable: [],
            },
            record,
            drops: new DroppedRecords(id, record, lines, logger, drops),
            counters,
            writer,
            inputLookup,
            traces: undefined,
            // The processor of a global store calls no services.
            thread: { random: Math.random, wake() {} },
            clock,
            nodeTimes: undefined,
            idleDelays: undefined,
            strictOrder: true,
          })
          reader.assign(topic, partition, offset)
          partitions.push({ topic, partition, processing, end, checkpoint, topicId })
        }
      }
    } catch (error) {
      yield* tables.#release()
      throw error
    }
    return tables
  }

  /** Returns what the engines of the tables know of their size. */
  get estimates(): readonly EngineEstimate[] {
    return this.#open?.state.estimates ?? []
  }

  /** Reads until every table has reached the end that its topic had when it was opened. */
  *bootstrap(): Steps<void> {
    if (this.#open === undefined) return
    const { reader, partitions } = this.#open
    for (;;) {
      const arrived = new Promise<void>((resolve) => reader.onReady(resolve))
      const applied = this.poll()
      const complete = partitions.every(({ topic, partition, end }) => (reader.position(topic, partition) ?? 0) >= end)
      if (complete) break
      if (this.writeDue) yield* this.write()
      if (!applied) yield* wait(arrived)
    }
    reader.onReady(undefined)
    yield* this.write()
  }

  onReady(wake: (() => void) | undefined): void {
    this.#open?.reader.onReady(wake)
  }

  /** Applies what has arrived; true if anything had. @throws MR_GLOBAL_TOPIC */
  poll(): boolean {
    if (this.#open === undefined) return false
    const batches = this.#read(this.#open)
    // Look-ups by tasks keep rows in memory, too.
    this.#open.state.trimCache()
    return batches > 0
  }

  #read({ reader, partitions }: OpenTables): number {
    try {
      return reader.poll((topic, partition, cursor) => {
        const found = partitions.find((p) => p.topic === topic && p.partition === partition)
        found?.processing.add(topic, cursor)
        while ((found?.processing.process(1000, () => 0) ?? 0) > 0);
      })
    } catch (error) {
      throw isDeleted(error) ? deletedUnread(error) : error
    }
  }

  /** True when it is time to `write`. */
  get writeDue(): boolean {
    if (this.#open === undefined) return false
    const changes = this.#open.state.dirtyBytes
    return (
      changes > this.#open.mostChanges || (changes > 0 && this.#clock.monotonic() - this.#lastWrite >= WRITE_INTERVAL)
    )
  }

  *write(): Steps<void> {
    if (this.#open === undefined) return
    const { state, producer, partitions } = this.#open
    this.#lastWrite = this.#clock.monotonic()
    const time = this.#clock.now()
    const checkpoints = new Map<string, { offset: number; topicId: string; time: number }>()
    for (const { processing, checkpoint, topicId } of partitions) {
      const offset = processing.queues[0]?.nextOffset
      if (offset !== undefined) checkpoints.set(checkpoint, { offset, topicId, time })
    }
    yield* wait(producer.flush())
    yield* wait(state.write(checkpoints))
  }

  state(name: string): StateStore | undefined {
    return this.#open?.state.state(name)
  }

  /** For reading: only its own processor may change a global store. */
  userStore(name: string): unknown {
    return this.#open?.state.readOnlyStore(name)
  }

  /** For readers outside of any task. */
  outsideStore(name: string): unknown {
    return this.#open?.state.outsideStore(name)
  }

  /** Returns a table as queries find it. */
  readable(name: string): OwnedStore | undefined {
    const state = this.#open?.state
    if (state?.state(name) === undefined || !state.isReadable) return undefined
    const reads = state.reads(name)
    if (reads === undefined) return undefined
    const { readEdition } = state
    const source = { partition: -1, role: 'global' as const, lag: 0, age: 0, position: {} }
    return { reads, source, isOpen: () => state.isReadable && state.readEdition === readEdition }
  }

  *close(): Steps<void> {
    try {
      yield* this.write()
    } finally {
      yield* this.#release()
    }
  }

  *#release(): Steps<void> {
    if (this.#open === undefined) return
    const { state, reader, producer, partitions, release } = this.#open
    for (const { processing } of partitions) processing.close()
    yield* wait(reader.close())
    yield* wait(producer.close())
    yield* wait(state.close())
    release()
  }
}

function isDeleted(error: unknown): error is MillraceError {
  return error instanceof MillraceError && ['MR_OFFSET_OUT_OF_RANGE', 'MR_TOPIC_REPLACED'].includes(error.code)
}

/** The tasks have seen rows that the table cannot be brought back to: only the next start reads all of it. */
function deletedUnread(cause: MillraceError): MillraceError {
  const { topic, partition, offset } = cause
  return new MillraceError('MR_GLOBAL_TOPIC', 'records of a global table were deleted before they were read', {
    topic,
    partition,
    offset,
    cause,
    hint: 'Start the application again: it reads the table from the beginning. Check the retention of the topic.',
  })
}

interface PartitionRange extends TopicPartition, ChangelogRange {}

function checkpointName(topic: string, partition: number): string {
  return `${topic}/${partition}`
}

/** A table whose rows of any partition are of no use is wiped whole; true if it was. */
function* wipeUnusable(
  state: TaskState,
  { stores }: Subtopology,
  ranges: readonly PartitionRange[],
  now: number,
  logger: Logger,
): Steps<boolean> {
  const reason = ranges.map((range) => whyUnusable(state, range, now)).find((why) => why !== undefined)
  if (reason === undefined) return false
  logger.warn({ stores, reason }, 'the global table is wiped and read again from the beginning')
  // Unusable until the table has been read: a checkpoint must never outlive the rows that it speaks of.
  const none = ranges.map(
    ({ topic, partition, topicId }) => [checkpointName(topic, partition), { offset: -1, topicId, time: now }] as const,
  )
  yield* wait(state.write(new Map(none)))
  for (const store of stores) yield* wait(state.wipe(store))
  return true
}

function whyUnusable(state: TaskState, range: PartitionRange, now: number): string | undefined {
  const plan = planRestore(state.checkpoint(checkpointName(range.topic, range.partition)), range, now)
  if (plan.wipe !== undefined) return plan.wipe
  return plan.stale && plan.from < range.end
    ? 'its checkpoint is so old that deletions since may be unknown'
    : undefined
}

function* partitionsOf(app: Application, subtopology: Subtopology, log: Log): Steps<PartitionRange[]> {
  const topics = subtopology.nodes.flatMap((node) => (node.kind === 'source' ? sourceTopics(app.id, node) : []))
  const described = yield* wait(log.describeTopics(topics))
  const ranges: PartitionRange[] = []
  for (const topic of topics) {
    const description = described.get(topic)
    if (description === undefined) {
      throw new MillraceError('MR_TOPIC_UNKNOWN', `the topic "${topic}" of a global table does not exist`, {
        topic,
        hint: 'Create it before the application starts.',
      })
    }
    const partitions = Array.from({ length: description.partitions }, (_, partition) => ({ topic, partition }))
    const earliest = yield* wait(log.listOffsets(partitions, 'earliest'))
    const latest = yield* wait(log.listOffsets(partitions, 'latest'))
    for (const { partition } of partitions) {
      ranges.push({
        topic,
        partition,
        topicId: description.id,
        earliest: earliest.get(topic, partition) ?? 0,
        end: latest.get(topic, partition) ?? 0,
        tombstoneRetention: DEFAULT_TOMBSTONE_RETENTION,
      })
    }
  }
  return ranges
}
