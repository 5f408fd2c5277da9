import { PartitionMap, type LogReader, type Quiet, type RecordCursor } from '../../log/log.ts'
import type { PartitionQueue } from '../input/partition-queue.ts'
import type { MemoryShare } from '../memory/memory-budget.ts'
import type { ProcessingInput } from '../task/processing.ts'
import type { Task } from '../task/task.ts'
import type { TaskManagerOptions } from './task-manager-options.ts'

type InputFeedOptions = Pick<TaskManagerOptions, 'app' | 'client' | 'arrivalOrder'>

/** Hands over to running tasks the records that the log has fetched. Pauses a partition of which enough wait. */
export class InputFeed {
  readonly #options: InputFeedOptions
  readonly #memory: MemoryShare
  readonly #reader: LogReader
  /** The running task that reads a partition. */
  readonly #readers = new PartitionMap<Task>()

  constructor(options: InputFeedOptions, memory: MemoryShare) {
    this.#options = options
    this.#memory = memory
    this.#reader = options.client.reader
  }

  onReady(wake: (() => void) | undefined): void {
    this.#reader.onReady(wake)
  }

  add(task: Task, inputs: readonly ProcessingInput[]): void {
    for (const { topic, partition, offset } of inputs) {
      this.#readers.set(topic, partition, task)
      this.#reader.assign(topic, partition, offset)
    }
  }

  remove({ inputs }: Task): void {
    for (const { topic, partition } of inputs) {
      this.#readers.delete(topic, partition)
      this.#reader.unassign(topic, partition)
    }
  }

  /** Returns how many batches were handed over. */
  poll(running: readonly Task[]): number {
    for (const { processing } of running) for (const queue of processing.queues) this.#resumeDrained(queue)
    const { arrivalOrder } = this.#options
    return arrivalOrder === undefined ? this.#reader.poll(this.#receive) : this.#pollInOrder(arrivalOrder)
  }

  #resumeDrained(queue: PartitionQueue): void {
    if (!queue.paused || this.#isFull(queue)) return
    queue.paused = false
    this.#reader.resume(queue.topic, queue.partition)
  }

  readonly #receive = (topic: string, partition: number, cursor: RecordCursor): void => {
    const queue = this.#readers.get(topic, partition)?.processing.add(topic, cursor)
    if (queue === undefined || queue.paused || !this.#isFull(queue)) return
    queue.paused = true
    this.#reader.pause(topic, partition)
  }

  #isFull(queue: PartitionQueue): boolean {
    if (queue.size > this.#options.app.settings.bufferedRecordsPerPartition) return true
    return queue.bytes > this.#memory.queued / this.#readers.size
  }

  #pollInOrder(order: (a: string, b: string) => number): number {
    const arrived: [topic: string, partition: number, cursor: RecordCursor][] = []
    const batches = this.#reader.poll((topic, partition, cursor) => arrived.push([topic, partition, cursor]))
    arrived.sort((a, b) => order(a[0], b[0]))
    for (const [topic, partition, cursor] of arrived) this.#receive(topic, partition, cursor)
    return batches
  }

  /** Records of a partition of these tasks not handed over yet; undefined while unknown. */
  readonly lag = (topic: string, partition: number): number | undefined => {
    const end = this.#reader.endOffset(topic, partition)
    const position = this.#reader.position(topic, partition)
    return end === undefined || position === undefined ? undefined : end - position
  }

  readonly quiet = (topic: string, partition: number): Quiet | undefined => this.#reader.quiet(topic, partition)
}
