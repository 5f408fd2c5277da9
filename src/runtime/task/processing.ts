import { MillraceError, isMillraceError, messageOf } from '../../errors/millrace-error.ts'
import type { PartitionMap, CommittedOffset, RecordCursor } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Operator } from '../../operators/operator.ts'
import type { Settings } from '../../application/application.ts'
import { callOrder } from '../../topology/call-order.ts'
import type { Headers } from '../../record/headers.ts'
import type { StoreSpec } from '../../topology/store-spec.ts'
import type { Subtopology } from '../../topology/topology.ts'
import { TaskCalls, type CallThread } from '../calls/task-calls.ts'
import { IdleTime, type QuietOf } from './idle-time.ts'
import type { NodeFailure, NodeOutput } from '../node/node-output.ts'
import type { NodeMeasure } from '../node/node-times.ts'
import { DeadLetters } from '../failures/dead-letters.ts'
import type { InputLookup } from '../failures/input-lookup.ts'
import { decodeOffsetMetadata, encodeOffsetMetadata } from './offset-metadata.ts'
import { CurrentInput } from '../input/current-input.ts'
import { PartitionQueue } from '../input/partition-queue.ts'
import { PunctuationQueue } from '../node/punctuation.ts'
import { QueueHeap } from '../input/queue-heap.ts'
import type { RecordWriter } from '../output/record-writer.ts'
import type { Slice } from '../../platform/slice.ts'
import { TaskContexts } from '../node/task-context.ts'
import { TaskErrors } from '../failures/task-errors.ts'
import type { TaskTraces } from '../traces/task-traces.ts'
import { wire } from './task-wiring.ts'

/** An input partition of a task and where it goes on. */
export interface ProcessingInput {
  readonly topic: string
  readonly partition: number
  /** Offset of the first record to process. */
  readonly offset: number
  /** What the offset was committed with; empty if it never was. */
  readonly metadata: string
}

type ContextsOptions = ConstructorParameters<typeof TaskContexts>[0]

export interface ProcessingOptions extends Readonly<Omit<ContextsOptions, 'punctuation' | 'times'>> {
  /** One, or (test driver, merged) all of them. */
  readonly subtopologies: readonly Subtopology[]
  readonly inputs: readonly ProcessingInput[]
  readonly writer: RecordWriter
  readonly inputLookup: InputLookup
  readonly thread: CallThread
  /** Measures every node; absent unless there was reason to. */
  readonly nodeTimes: NodeMeasure | undefined
  /** Absent in an application without a tracer. */
  readonly traces: TaskTraces | undefined
  /** What is held back before each node, ms. Undefined: stream time goes by records alone. */
  readonly idleDelays: ReadonlyMap<string, number> | undefined
  /** Ties between partitions go by topic and partition; else as in Kafka Streams' test driver. */
  readonly strictOrder: boolean
}

/** Records of a partition that are processed and not committed. */
export interface Uncommitted {
  readonly task: string
  readonly topic: string
  readonly partition: number
  /** Offset of the first of them. */
  readonly offset: number
  /** Offset after the last of them. */
  readonly end: number
}

/** How many records of a partition the log holds that were not handed over. Undefined: not known yet. */
export type LagOf = (topic: string, partition: number) => number | undefined

/**
 * What a running task does: it takes records from its input partitions in timestamp order and drives them through its
 * operators. Synchronous throughout; what has to wait (opening stores, restoring, committing) lies around it.
 */
export class Processing {
  readonly #settings: Settings
  readonly #clock: Clock
  readonly #contexts: TaskContexts
  readonly #input = new CurrentInput()
  readonly #errors: TaskErrors
  readonly #calls: TaskCalls
  /** Measures every node: for good, or while a slice is sampled. */
  #times: NodeMeasure | undefined
  readonly #outputs: readonly NodeOutput[]
  readonly #lastTime: Float64Array
  readonly #late: Float64Array
  readonly #subtopology: number
  readonly #traces: TaskTraces | undefined
  readonly #idle: IdleTime | undefined
  readonly #operators: readonly Operator[]
  readonly #queues: PartitionQueue[] = []
  readonly #byTopic = new Map<string, PartitionQueue>()
  readonly #heap: QueueHeap
  readonly #committed = new Map<PartitionQueue, number>()
  /** Offsets of the last commit that was begun. */
  readonly #taken = new Map<PartitionQueue, number>()
  /** Something happened since the last commit that a commit has to make durable. */
  #commitNeeded = false
  /** No record can be missing. Found out again when a queue runs empty or more has arrived. */
  #ready = false
  /** Records processed so far. */
  processed = 0

  constructor(options: ProcessingOptions) {
    const { taskId, settings, record, clock, writer, subtopologies, nodeTimes, idleDelays } = options
    this.#settings = settings
    this.#clock = clock
    this.#heap = new QueueHeap(options.strictOrder)
    const times = new Map<string, number>()
    const punctuation = new PunctuationQueue(clock, settings.compatible)
    this.#contexts = new TaskContexts({ ...options, punctuation, times })
    const deadLetters = new DeadLetters(settings.deadLetterTopic, writer)
    this.#errors = new TaskErrors(taskId, settings, this.#contexts, record, this.#input, deadLetters)
    const refused = { errors: this.#errors, inputs: options.inputLookup }
    const specOf = (name: string): StoreSpec | undefined => options.stores.state(name)?.spec
    const order = callOrder(
      subtopologies.flatMap(({ nodes }) => nodes),
      specOf,
    )
    this.#calls = new TaskCalls(
      this.#contexts,
      this.#errors,
      this.#input,
      options.inputLookup,
      order,
      options.thread,
      (topic) => options.inputs.find((input) => input.topic === topic)?.offset,
    )
    this.#contexts.calls = this.#calls
    const wiring = wire(subtopologies, this.#contexts, writer, refused, this.#input, this.#failed, options.traces)
    this.#operators = wiring.operators
    this.#outputs = wiring.outputs
    this.#lastTime = options.counters.nodes.lastTime
    this.#late = options.counters.late
    this.#subtopology = subtopologies[0]?.id ?? 0
    this.#times = nodeTimes
    this.#traces = options.traces
    if (nodeTimes !== undefined) for (const output of wiring.outputs) output.time(nodeTimes)
    for (const input of options.inputs) {
      const source = wiring.sources.get(input.topic)
      if (source === undefined) continue
      const remembered = decodeOffsetMetadata(input.metadata)
      const partitionTime = remembered?.partitionTime ?? -1
      for (const [name, time] of remembered?.times ?? []) times.set(name, Math.max(time, times.get(name) ?? time))
      if (partitionTime > this.#contexts.streamTime) this.#contexts.streamTime = partitionTime
      const { prefetchable } = options.stores
      const queue = new PartitionQueue(input, source, this.#errors, partitionTime, prefetchable)
      this.#queues.push(queue)
      this.#byTopic.set(input.topic, queue)
      this.#committed.set(queue, input.offset)
      this.#taken.set(queue, input.offset)
    }
    const now = clock.monotonic()
    for (const queue of this.#queues) queue.idleSince = now
    if (idleDelays !== undefined && settings.idleAfter !== undefined) {
      const delayOf = ({ context }: Operator): number => idleDelays.get(context.node) ?? 0
      const timed = this.#operators.map((operator) => ({ operator, delay: delayOf(operator) }))
      this.#idle = new IdleTime(settings.idleAfter, clock, this.#contexts, timed, this.#failed)
    }
    if (!settings.compatible) punctuation.resumedFrom = this.#contexts.streamTime
    for (const operator of this.#operators) init(operator)
    punctuation.resumedFrom = -1
  }

  get queues(): readonly PartitionQueue[] {
    return this.#queues
  }

  get streamTime(): number {
    return this.#contexts.streamTime
  }

  get commitRequested(): boolean {
    return this.#contexts.commitRequested
  }

  get commitNeeded(): boolean {
    if (this.#commitNeeded || this.#calls.hasLeft) return true
    for (const queue of this.#queues) if (queue.nextOffset !== this.#taken.get(queue)) return true
    return false
  }

  /** Timestamp of the record that would be taken next. Infinity: there is none. */
  get nextTimestamp(): number {
    return this.#heap.peek()?.headTimestamp ?? Infinity
  }

  /** True if it has run out of records of a partition of which the log is known to hold more. */
  awaitsRecords(lagOf: LagOf): boolean {
    if (this.#heap.size === this.#queues.length) return false
    for (const queue of this.#queues) if (!queue.hasHead && (lagOf(queue.topic, queue.partition) ?? 0) > 0) return true
    return false
  }

  add(topic: string, cursor: RecordCursor): PartitionQueue | undefined {
    const queue = this.#byTopic.get(topic)
    if (queue === undefined) return undefined
    if (queue.add(cursor)) {
      queue.idleSince = -1
      this.#heap.offer(queue)
    } else if (!queue.hasHead) queue.idleSince = this.#clock.monotonic()
    this.#ready = false
    return queue
  }

  /**
   * Processes up to `limit` records, none later than `until`, in timestamp order, until the slice is over. Returns how
   * many it were. 0: none may be taken now.
   */
  process(limit: number, lagOf: LagOf, slice?: Slice, until = Infinity): number {
    let count = 0
    while (count < limit && this.nextTimestamp <= until) {
      if (!this.#ready && !this.#mayProceed(lagOf)) break
      if (this.#isHeldByCalls) break
      const queue = this.#heap.poll()
      if (queue === undefined) break
      if (this.#times === undefined) this.#processHead(queue)
      else this.#times.measure(this.#contexts.taskId, queue.source.node, () => this.#processHead(queue))
      count++
      if (slice?.spend()) break
    }
    this.processed += count
    return count
  }

  /** Measures the nodes from now on, or (undefined) not any more. */
  timeNodes(times: NodeMeasure | undefined): void {
    this.#times = times
    for (const output of this.#outputs) output.time(times)
  }

  /** Records that wait for nothing but their turn. 0 while an empty partition or a call may be waited for. */
  get queued(): number {
    if (this.#calls.isRunning || (!this.#ready && this.#heap.size < this.#queues.length)) return 0
    return this.#queues.reduce((sum, { size }) => sum + size, 0)
  }

  get #isHeldByCalls(): boolean {
    const next = this.#heap.peek()
    return next !== undefined && this.#calls.holds(next.source.node)
  }

  /** Sends on the results of calls that have ended, until the slice is over. Returns how many it were. */
  drainCalls(slice?: Slice): number {
    const left = this.#calls.drain(slice)
    if (left > 0) this.#commitNeeded = true
    return left
  }

  /** The asynchronous steps. */
  get calls(): TaskCalls {
    return this.#calls
  }

  #processHead(queue: PartitionQueue): void {
    const contexts = this.#contexts
    const timestamp = queue.headTimestamp
    queue.take()
    if (timestamp > contexts.streamTime) contexts.streamTime = timestamp
    else if (contexts.streamTime - timestamp > this.#late[this.#subtopology]!) {
      this.#late[this.#subtopology] = contexts.streamTime - timestamp
    }
    this.#lastTime[queue.source.index] = timestamp
    const headers = queue.cursor.headers(contexts.noHeaders())
    const { record } = contexts
    record.set(queue.topic, queue.partition, queue.cursor.offset, timestamp, headers)
    this.#input.queue = queue
    this.#commitNeeded = true
    if (this.#traces === undefined || headers.length === 0) {
      queue.source.output.forward(queue.headKey, queue.headValue, timestamp, headers)
    } else this.#processTraced(queue, timestamp, headers, this.#traces)
    this.#input.queue = undefined
    queue.advance()
    if (queue.hasHead) this.#heap.offer(queue)
    else this.#ranEmpty(queue)
    contexts.punctuation.punctuateStreamTime(contexts.streamTime, this.#runPunctuator)
  }

  #processTraced(queue: PartitionQueue, timestamp: number, headers: Headers, traces: TaskTraces): void {
    const { source, topic, partition, cursor, headKey, headValue } = queue
    const own = traces.begin(topic, partition, cursor.offset, headers)
    if (own === undefined) {
      source.output.forward(headKey, headValue, timestamp, headers)
      return
    }
    this.#contexts.record.headers = own
    for (const output of this.#outputs) output.time(traces)
    try {
      traces.process(() => source.output.forward(headKey, headValue, timestamp, own))
    } finally {
      for (const output of this.#outputs) output.time(this.#times)
    }
  }

  #ranEmpty(queue: PartitionQueue): void {
    queue.idleSince = this.#clock.monotonic()
    this.#ready = false
  }

  /** An empty partition may hold an earlier record: how long to wait for it is `maxTaskIdle`. */
  #mayProceed(lagOf: LagOf): boolean {
    if (this.#heap.size === 0) return false
    const { maxTaskIdle } = this.#settings
    if (this.#heap.size < this.#queues.length && maxTaskIdle >= 0) {
      const now = this.#clock.monotonic()
      for (const queue of this.#queues) {
        if (queue.hasHead) continue
        const lag = lagOf(queue.topic, queue.partition)
        if (lag === undefined || lag > 0) return false
        if (maxTaskIdle > 0 && now - queue.idleSince < maxTaskIdle) return false
      }
    }
    this.#ready = true
    return true
  }

  readonly #failed: NodeFailure = (error, node) => {
    this.#traces?.failed(error)
    this.#errors.nodeFailed(error, node)
  }

  readonly #runPunctuator = (node: string, callback: (timestamp: number) => void, timestamp: number): void => {
    this.#contexts.record.set(null, -1, -1, timestamp, this.#contexts.noHeaders())
    this.#commitNeeded = true
    try {
      if (this.#times === undefined) callback(timestamp)
      else this.#times.measure(this.#contexts.taskId, node, () => callback(timestamp))
    } catch (error) {
      this.#errors.nodeFailed(error, node)
    }
  }

  /** Lets stream time go on while the partitions are idle; true if it did. */
  passTime(quietOf: QuietOf): boolean {
    const idle = this.#idle
    if (idle === undefined || this.#heap.size > 0 || !this.#calls.isEmpty) return false
    const due = idle.due(this.#queues, quietOf)
    if (due === 0) return false
    if (this.commitNeeded) {
      // Caches may hold results back, which would be late for a time that has gone on.
      this.#contexts.commitRequested = true
      return false
    }
    if (idle.pass(due)) this.#commitNeeded = true
    const { punctuation, streamTime } = this.#contexts
    punctuation.punctuateStreamTime(streamTime, this.#runPunctuator)
    return this.#commitNeeded
  }

  /** Runs the wall-clock punctuators that are due, and ends calls that take too long; true if there were any. */
  punctuateWallClock(): boolean {
    const expired = this.#calls.expire()
    return this.#contexts.punctuation.punctuateWallClock(this.#runPunctuator) || expired
  }

  /** By the monotonic clock, when there is something to do without a record; Infinity if never. */
  get nextWallClockPunctuation(): number {
    return Math.min(this.#contexts.punctuation.nextWallClock, this.#calls.nextDue)
  }

  /** Offsets of the next records of the inputs, by topic: as committed, or as processed. */
  position(isCommitted: boolean): Map<string, number> {
    const offsets = new Map<string, number>()
    for (const queue of this.#queues) {
      offsets.set(queue.topic, (isCommitted ? this.#committed.get(queue) : queue.nextOffset) ?? 0)
    }
    return offsets
  }

  /** Offset after the last committed record of a partition. */
  committedOffset(topic: string): number | undefined {
    const queue = this.#byTopic.get(topic)
    return queue === undefined ? undefined : this.#committed.get(queue)
  }

  /** What would be processed again if it could not be committed. */
  get uncommitted(): readonly Uncommitted[] {
    return this.#queues.flatMap((queue) => {
      const offset = this.#committed.get(queue) ?? 0
      if (queue.nextOffset === offset) return []
      return [
        { task: this.#contexts.taskId, topic: queue.topic, partition: queue.partition, offset, end: queue.nextOffset },
      ]
    })
  }

  /**
   * Gives the offsets and remembered times to commit: those that changed, or all of them with `everything`. Nothing
   * that was done up to now needs another commit: if this one fails, the task is closed dirty.
   */
  takeOffsets(into: PartitionMap<CommittedOffset>, everything: boolean): void {
    const { times } = this.#contexts
    for (const queue of this.#queues) {
      if (!everything && !this.#commitNeeded && queue.nextOffset === this.#taken.get(queue)) continue
      into.set(queue.topic, queue.partition, {
        offset: queue.nextOffset,
        metadata: encodeOffsetMetadata(queue.partitionTime, times),
      })
      this.#taken.set(queue, queue.nextOffset)
    }
    this.#commitNeeded = false
    this.#contexts.commitRequested = false
  }

  /** Call it when the offsets that `takeOffsets` gave are committed. */
  committed(): void {
    for (const [queue, offset] of this.#taken) this.#committed.set(queue, offset)
  }

  /** Closes the operators; errors thrown there are logged, since nothing can be lost any more. */
  close(): void {
    for (const operator of this.#operators) {
      try {
        operator.close()
      } catch (error) {
        this.#settings.logger.error(
          { err: error, task: this.#contexts.taskId, node: operator.context.node },
          'closing a processor failed',
        )
      }
    }
  }
}

/** A task whose processors are not ready cannot be opened; no handler is asked, since no record is to blame. */
function init(operator: Operator): void {
  try {
    operator.init()
  } catch (error) {
    if (isMillraceError(error)) throw error
    const { node, taskId: task } = operator.context
    throw new MillraceError('MR_PROCESSING', `the processor could not be initialised: ${messageOf(error)}`, {
      node,
      task,
      cause: error,
      hint: 'Its supplier or its init threw; see the cause.',
    })
  }
}
