import { PartitionMap, type CommittedOffset, type TopicPartition } from '../../log/log.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import { RecordContext } from '../../record/record-context.ts'
import type { Logger } from '../../application/application.ts'
import type { RepeatedLines } from '../../application/repeated-lines.ts'
import type { TaskState } from '../../state/task/task-state.ts'
import type { Subtopology } from '../../topology/topology.ts'
import type { DropCounter } from '../node/drop-counter.ts'
import { DroppedRecords } from '../node/dropped-records.ts'
import type { Processing } from './processing.ts'
import { MillraceError } from '../../errors/millrace-error.ts'
import { StateMachine } from '../../platform/state-machine.ts'

/** Where a task is in its life; drawn at `Task`. */
export type LifecycleState = 'created' | 'waiting' | 'standby' | 'restoring' | 'running' | 'closed'

const NEXT: Readonly<Record<LifecycleState, readonly LifecycleState[]>> = {
  created: ['waiting', 'standby', 'restoring', 'closed'],
  waiting: ['created', 'closed'],
  standby: ['created', 'closed'],
  restoring: ['running', 'closed'],
  running: ['closed'],
  closed: [],
}

/** The topic partition that holds the changes of a store. */
export interface Changelog extends TopicPartition {
  readonly topicId: string
  /** A source topic that serves as changelog is never written to. */
  readonly source: boolean
}

/** An input partition and the id of its topic as it was when the task was opened. */
export interface TaskInput extends TopicPartition {
  readonly topicId: string
}

/**
 * One partition of a sub-topology (or of several, in the test driver) in a thread, from its assignment to its close.
 *
 *     waiting <----> created ----> restoring ----> running
 *                      ^  |
 *     becomes active   |  v
 *                     standby                each of them ----> closed
 *
 * - created: assigned, and about to be opened. A standby that becomes active has its stores open.
 * - waiting: another thread of the process has not released its stores yet.
 * - standby: its stores follow their changelogs for ever.
 * - restoring: its stores are brought up to their changelogs.
 * - running: it processes records.
 * - closed: its stores are closed, or being closed. If it is assigned again, another `Task` is created.
 *
 * Kafka Streams' `Task.State` has SUSPENDED as well: a revoked task waits for its close. Here it is closed at once.
 */
export class Task {
  /** `<subtopology>_<partition>` */
  readonly id: string
  readonly partition: number
  readonly subtopologies: readonly Subtopology[]
  /** The record that is being processed. */
  readonly record = new RecordContext()
  readonly drops: DroppedRecords
  /** Changelog of each logged store; empty until the stores are open. */
  changelogs: ReadonlyMap<string, Changelog> = new Map()
  /** Empty until the stores are open. */
  inputs: readonly TaskInput[] = []
  /** Offsets of the inputs that were committed when the restore began. */
  committed = new PartitionMap<CommittedOffset>()
  readonly #state: StateMachine<LifecycleState>
  #isActive: boolean
  #stores: TaskState | undefined
  #processing: Processing | undefined

  /** @param isActive false: it is to be a standby */
  constructor(
    id: string,
    partition: number,
    subtopologies: readonly Subtopology[],
    isActive: boolean,
    lines: RepeatedLines,
    logger: Logger,
    drops: DropCounter,
  ) {
    this.id = id
    this.partition = partition
    this.subtopologies = subtopologies
    this.#isActive = isActive
    this.#state = new StateMachine(`task ${id}`, NEXT, 'created')
    this.drops = new DroppedRecords(id, this.record, lines, logger, drops)
  }

  get state(): LifecycleState {
    return this.#state.current
  }

  /** True if it is to process records, false if it is to be a standby. */
  get isActive(): boolean {
    return this.#isActive
  }

  get isOpen(): boolean {
    return this.#stores !== undefined
  }

  get stores(): TaskState {
    return this.#stores ?? this.#lacks('open stores')
  }

  /** @throws MR_INTERNAL if the task has never run */
  get processing(): Processing {
    return this.#processing ?? this.#lacks('operators')
  }

  open(stores: TaskState): void {
    this.#stores = stores
  }

  closeStores(): MaybePromise<void> {
    const { stores } = this
    this.#stores = undefined
    return stores.close()
  }

  /** @throws MR_INTERNAL if that is not drawn above */
  enter(next: LifecycleState): void {
    this.#state.become(next)
  }

  /** A standby is to be active: what its stores hold is kept. */
  promote(): void {
    if (this.#state.is('standby')) this.enter('created')
    this.#isActive = true
  }

  run(processing: Processing): void {
    this.enter('running')
    this.#processing = processing
  }

  /** Closes the operators; the stores are for `closeStores`. */
  close(): void {
    this.enter('closed')
    this.#processing?.close()
  }

  #lacks(what: string): never {
    throw new MillraceError('MR_INTERNAL', `task ${this.id} is ${this.state}, and has no ${what}`)
  }
}
