import type { Log, LogProducer, LogReader, TopicPartition } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import type { DropReason } from '../../record/drop-reason.ts'
import { RecordContext } from '../../record/record-context.ts'
import type { StateStore } from '../../state/states.ts'
import type { TaskState } from '../../state/task/task-state.ts'
import type { Application, Logger } from '../../application/application.ts'
import type { Subtopology, Topology } from '../../topology/topology.ts'
import { DeadLetters } from '../failures/dead-letters.ts'
import { DropCounter } from '../node/drop-counter.ts'
import { DroppedRecords } from '../node/dropped-records.ts'
import { InputLookup } from '../failures/input-lookup.ts'
import { MemoryShare } from '../memory/memory-budget.ts'
import { openState } from '../state-directory/open-state.ts'
import { RecordWriter } from '../output/record-writer.ts'
import { RepeatedLines } from '../../application/repeated-lines.ts'
import { DEFAULT_TOMBSTONE_RETENTION, planRestore, type ChangelogRange } from '../restore/restore-job.ts'
import type { StateHome } from '../state-directory/state-home.ts'
import { wait, type Steps } from '../../platform/steps.ts'
import { Task } from '../task/task.ts'
import { sourceTopics } from '../task/task-wiring.ts'
import { MillraceError } from '../../errors/millrace-error.ts'

/** Names the state of the global tables, as a task's id names its own. */
export const GLOBAL_STATE = 'global'
/** ms between two writes of what has been applied; after a crash the rest is read again. */
const WRITE_INTERVAL = 1000

interface GlobalPartition extends TopicPartition {
  readonly task: Task
  /** Where the topic ended when reading began: the table is complete once this is reached. */
  readonly end: number
  readonly checkpoint: string
  readonly topicId: string
}

/**
 * The global tables of one process: every partition of their topics, read outside the group, complete before the first task
 * runs and kept up to date afterwards. The topics are their own changelogs.
 */
export class GlobalTables {
  readonly #state: TaskState | undefined
  readonly #reader: LogReader | undefined
  /** For dead letters. */
  readonly #producer: LogProducer | undefined
  readonly #partitions: readonly GlobalPartition[]
  readonly #clock: Clock
  readonly #release: () => void
  /** Bytes of changes for which a write is due. */
  readonly #mostChanges: number
  #lastWrite: number
  readonly drops: DropCounter

  private constructor(
    state: TaskState | undefined,
    reader: LogReader | undefined,
    producer: LogProducer | undefined,
    partitions: readonly GlobalPartition[],
    clock: Clock,
    drops: DropCounter,
    mostChanges: number,
    release: () => void,
  ) {
    this.#mostChanges = mostChanges
    this.#release = release
    this.#state = state
    this.#reader = reader
    this.#producer = producer
    this.#partitions = partitions
    this.#clock = clock
    this.#lastWrite = clock.monotonic()
    this.drops = drops
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
    const lines = new RepeatedLines(app.settings.logger, clock)
    if (subtopologies.length === 0)
      return new GlobalTables(undefined, undefined, undefined, [], clock, drops, 0, () => {})
    const record = new RecordContext()
    const specs = [...topology.stores.values()].filter((store) => store.global).map((store) => store.spec)
    const { logger, compatible } = app.settings
    const memory = new MemoryShare(app.settings, topology)
    const dropped = new DroppedRecords(name, record, lines, logger, drops)
    const environment = {
      task: name,
      record,
      drop: (reason: DropReason, store: string): void => dropped.drop(reason, 'store', store),
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
    for (const { subtopology, ranges } of sources) {
      const wiped = yield* wipeUnusable(state, subtopology, ranges, clock.now(), logger)
      for (const { topic, topicId, partition, earliest, end } of ranges) {
        const checkpoint = checkpointName(topic, partition)
        const offset = wiped ? earliest : (state.checkpoint(checkpoint)?.offset ?? earliest)
        const id = `${GLOBAL_STATE}_${partition}`
        const task = new Task({
          id,
          partition,
          applicationId: app.id,
          settings: app.settings,
          subtopologies: [subtopology],
          inputs: [{ topic, partition, offset, metadata: '' }],
          stores: {
            state: (name) => state.state(name),
            // Of other global stores it is not known how far they are: what was written by them would not come again.
            userStore: (store, scope) =>
              subtopology.stores.includes(store) ? state.userStore(store, scope) : state.queryStore(store),
            isGlobal: () => true,
            prefetchable: [],
          },
          record,
          drops: new DroppedRecords(id, record, lines, logger, drops),
          writer,
          deadLetters: new DeadLetters(app.settings.deadLetterTopic, writer),
          inputLookup,
          clock,
          times: undefined,
          idleDelays: undefined,
          strictOrder: true,
        })
        reader.assign(topic, partition, offset)
        partitions.push({ topic, partition, task, end, checkpoint, topicId })
      }
    }
    const release = (): void => {
      lines.close()
      home.release(name)
    }
    return new GlobalTables(state, reader, producer, partitions, clock, drops, memory.parts.changes, release)
  }

  /** Reads until every table has reached the end that its topic had when it was opened. */
  *bootstrap(): Steps<void> {
    const reader = this.#reader
    if (reader === undefined) return
    for (;;) {
      const arrived = new Promise<void>((resolve) => reader.onReady(resolve))
      const applied = this.poll()
      const complete = this.#partitions.every(
        ({ topic, partition, end }) => (reader.position(topic, partition) ?? 0) >= end,
      )
      if (complete) break
      if (this.writeDue) yield* this.write()
      if (!applied) yield* wait(arrived)
    }
    reader.onReady(undefined)
    yield* this.write()
  }

  onReady(wake: (() => void) | undefined): void {
    this.#reader?.onReady(wake)
  }

  /** Applies what has arrived; true if anything had. */
  poll(): boolean {
    if (this.#reader === undefined) return false
    const batches = this.#reader.poll((topic, partition, cursor) => {
      const task = this.#partitions.find((p) => p.topic === topic && p.partition === partition)?.task
      task?.add(topic, cursor)
      while ((task?.process(1000, () => 0) ?? 0) > 0);
    })
    // Look-ups by tasks keep rows in memory, too.
    this.#state?.trimCache()
    return batches > 0
  }

  /** True when it is time to `write`. */
  get writeDue(): boolean {
    const changes = this.#state?.dirtyBytes ?? 0
    return changes > this.#mostChanges || (changes > 0 && this.#clock.monotonic() - this.#lastWrite >= WRITE_INTERVAL)
  }

  *write(): Steps<void> {
    if (this.#state === undefined) return
    this.#lastWrite = this.#clock.monotonic()
    const time = this.#clock.now()
    const checkpoints = new Map<string, { offset: number; topicId: string; time: number }>()
    for (const { task, checkpoint, topicId } of this.#partitions) {
      const offset = task.queues[0]?.nextOffset
      if (offset !== undefined) checkpoints.set(checkpoint, { offset, topicId, time })
    }
    yield* wait(this.#producer?.flush())
    yield* wait(this.#state.write(checkpoints))
  }

  state(name: string): StateStore | undefined {
    return this.#state?.state(name)
  }

  /** For reading: only its own processor may change a global store. */
  userStore(name: string): unknown {
    return this.#state?.queryStore(name)
  }

  *close(): Steps<void> {
    if (this.#state === undefined) return
    yield* this.write()
    for (const { task } of this.#partitions) task.close()
    yield* wait(this.#reader?.close())
    yield* wait(this.#producer?.close())
    yield* wait(this.#state.close())
    this.#release()
  }
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
