import type { Log, LogProducer, LogReader, TopicPartition } from '../log/log.ts'
import type { Clock } from '../platform/clock.ts'
import { RecordContext } from '../record/record-context.ts'
import type { StateStore } from '../state/states.ts'
import { TaskState } from '../state/task-state.ts'
import type { Application } from '../topology/application.ts'
import type { Subtopology, Topology } from '../topology/topology.ts'
import { deadLetterWriter } from './dead-letters.ts'
import { DropCounter } from './drop-counter.ts'
import { RecordWriter } from './record-writer.ts'
import type { StateHome } from './state-home.ts'
import { wait, type Steps } from './steps.ts'
import { Task } from './task.ts'
import { sourceTopics } from './task-wiring.ts'
import { MillraceError } from '../errors.ts'

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
  #lastWrite: number
  readonly drops: DropCounter

  private constructor(
    state: TaskState | undefined,
    reader: LogReader | undefined,
    producer: LogProducer | undefined,
    partitions: readonly GlobalPartition[],
    clock: Clock,
    drops: DropCounter,
  ) {
    this.#state = state
    this.#reader = reader
    this.#producer = producer
    this.#partitions = partitions
    this.#clock = clock
    this.#lastWrite = clock.now()
    this.drops = drops
  }

  /** Opens the tables where they were left; `bootstrap` brings them up to date. @throws MR_TOPIC_UNKNOWN */
  static *open(app: Application, topology: Topology, log: Log, home: StateHome, clock: Clock): Steps<GlobalTables> {
    const subtopologies = topology.subtopologies.filter((subtopology) => subtopology.global)
    const drops = new DropCounter()
    if (subtopologies.length === 0) return new GlobalTables(undefined, undefined, undefined, [], clock, drops)
    const record = new RecordContext()
    const specs = [...topology.stores.values()].filter((store) => store.global).map((store) => store.spec)
    const state = yield* wait(
      TaskState.open(yield* wait(home.open(GLOBAL_STATE)), specs, {
        task: GLOBAL_STATE,
        record,
        drop: (reason) => drops.add(reason),
        cacheBytes: 0,
        compatible: app.settings.compatible,
        checkEveryValue: false,
      }),
    )
    const reader = log.openReader()
    const producer = log.openProducer()
    const writer = new RecordWriter(producer)
    const partitions: GlobalPartition[] = []
    for (const subtopology of subtopologies) {
      for (const { topic, topicId, partition, earliest, end } of yield* partitionsOf(app, subtopology, log)) {
        const checkpoint = `${topic}/${partition}`
        const kept = state.checkpoint(checkpoint)
        const usable = kept !== undefined && kept.topicId === topicId && kept.offset >= earliest && kept.offset <= end
        const offset = usable ? kept.offset : earliest
        const task = new Task({
          id: `${GLOBAL_STATE}_${partition}`,
          partition,
          applicationId: app.id,
          settings: app.settings,
          subtopologies: [subtopology],
          inputs: [{ topic, partition, offset, metadata: '' }],
          stores: {
            state: (name) => state.state(name),
            userStore: (name) => state.userStore(name),
            isGlobal: () => true,
          },
          record,
          drops,
          writer,
          deadLetter: deadLetterWriter(app.settings.deadLetterTopic, writer),
          clock,
          strictOrder: true,
        })
        reader.assign(topic, partition, offset)
        partitions.push({ topic, partition, task, end, checkpoint, topicId })
      }
    }
    return new GlobalTables(state, reader, producer, partitions, clock, drops)
  }

  /** Reads until every table has reached the end that its topic had when it was opened. */
  *bootstrap(): Steps<void> {
    const reader = this.#reader
    if (reader === undefined) return
    for (;;) {
      const arrived = new Promise<void>((resolve) => reader.onReady(resolve))
      const applied = this.poll()
      const complete = this.#partitions.every(({ topic, partition, end }) => (reader.position(topic, partition) ?? 0) >= end)
      if (complete) break
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
    return batches > 0
  }

  /** True when it is time to `write`. */
  get writeDue(): boolean {
    return this.#state !== undefined && this.#clock.now() - this.#lastWrite >= WRITE_INTERVAL && this.#state.dirtyBytes > 0
  }

  *write(): Steps<void> {
    if (this.#state === undefined) return
    this.#lastWrite = this.#clock.now()
    const checkpoints = new Map<string, { offset: number; topicId: string; time: number }>()
    for (const { task, checkpoint, topicId } of this.#partitions) {
      const offset = task.queues[0]?.nextOffset
      if (offset !== undefined) checkpoints.set(checkpoint, { offset, topicId, time: this.#lastWrite })
    }
    yield* wait(this.#producer?.flush())
    yield* wait(this.#state.write(checkpoints))
  }

  state(name: string): StateStore | undefined {
    return this.#state?.state(name)
  }

  userStore(name: string): unknown {
    return this.#state?.userStore(name)
  }

  *close(): Steps<void> {
    if (this.#state === undefined) return
    yield* this.write()
    for (const { task } of this.#partitions) task.close()
    yield* wait(this.#reader?.close())
    yield* wait(this.#producer?.close())
    yield* wait(this.#state.close())
  }
}

interface PartitionRange extends TopicPartition {
  readonly topicId: string
  readonly earliest: number
  readonly end: number
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
      })
    }
  }
  return ranges
}
