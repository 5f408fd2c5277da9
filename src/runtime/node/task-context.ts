import { MillraceError } from '../../errors/millrace-error.ts'
import type { Clock } from '../../platform/clock.ts'
import type { CallHost } from '../../operators/calls.ts'
import type { OperatorContext } from '../../operators/operator.ts'
import type { DropReason } from '../../record/drop-reason.ts'
import type { CallbackScope } from '../../record/callback-scope.ts'
import { Headers, NO_HEADERS } from '../../record/headers.ts'
import type { RecordContext } from '../../record/record-context.ts'
import type { Prefetchable } from '../../state/prefetchable.ts'
import type { StateStore } from '../../state/states.ts'
import type { Settings } from '../../application/application.ts'
import type { Cancellable, PunctuationType } from '../../topology/processor-api.ts'
import type { ThreadCounters } from '../counters/thread-counters.ts'
import type { DroppedRecords } from './dropped-records.ts'
import type { PunctuationQueue } from './punctuation.ts'

/** Finds the states and user stores that a task's nodes may use. */
export interface StoreAccess {
  state(name: string): StateStore | undefined
  userStore(name: string, scope: CallbackScope): unknown
  /** Returns true for global tables, which every node may read. */
  isGlobal(name: string): boolean
  /** Stores of the task that may be asked for the keys of its input. */
  readonly prefetchable: readonly Prefetchable[]
}

/** What the nodes of one task share. */
export class TaskContexts {
  readonly applicationId: string
  readonly taskId: string
  readonly partition: number
  readonly record: RecordContext
  readonly settings: Settings
  readonly stores: StoreAccess
  readonly punctuation: PunctuationQueue
  readonly drops: DroppedRecords
  readonly counters: ThreadCounters
  readonly clock: Clock
  /** Numbers kept with the committed offsets. */
  readonly times: Map<string, number>
  /** Set before any node is initialised. */
  calls!: CallHost
  streamTime = -1
  commitRequested = false

  constructor(options: {
    applicationId: string
    taskId: string
    partition: number
    record: RecordContext
    settings: Settings
    stores: StoreAccess
    punctuation: PunctuationQueue
    drops: DroppedRecords
    counters: ThreadCounters
    clock: Clock
    times: Map<string, number>
  }) {
    this.applicationId = options.applicationId
    this.taskId = options.taskId
    this.partition = options.partition
    this.record = options.record
    this.settings = options.settings
    this.stores = options.stores
    this.punctuation = options.punctuation
    this.drops = options.drops
    this.counters = options.counters
    this.clock = options.clock
    this.times = options.times
  }

  /** Returns headers for a record without any: its own if processors change them in place, as in Kafka Streams. */
  noHeaders(): Headers {
    return this.settings.compatible ? new Headers() : NO_HEADERS
  }
}

/** What one node sees of its task. */
export class NodeContext implements OperatorContext {
  readonly node: string
  readonly applicationId: string
  readonly taskId: string
  readonly partition: number
  readonly record: RecordContext
  readonly compatible: boolean
  readonly mayContinue: boolean
  readonly #shared: TaskContexts
  readonly #stores: ReadonlySet<string>

  constructor(node: string, stores: readonly string[], shared: TaskContexts) {
    this.node = node
    this.applicationId = shared.applicationId
    this.taskId = shared.taskId
    this.partition = shared.partition
    this.record = shared.record
    this.compatible = shared.settings.compatible
    this.mayContinue = shared.settings.onProcessingError !== 'fail'
    this.#shared = shared
    this.#stores = new Set(stores)
  }

  state<S extends StateStore>(name: string): S {
    const state = this.#mayUse(name) ? this.#shared.stores.state(name) : undefined
    if (state === undefined) throw this.#notConnected(name)
    return state as S
  }

  userStore(name: string, scope: CallbackScope): unknown {
    if (!this.#mayUse(name)) throw this.#notConnected(name)
    return this.#shared.stores.userStore(name, scope)
  }

  get calls(): CallHost {
    return this.#shared.calls
  }

  streamTime(): number {
    return this.#shared.streamTime
  }

  now(): number {
    return this.#shared.clock.now()
  }

  schedule(
    interval: number,
    type: PunctuationType,
    punctuator: (timestamp: number) => void,
    start: number | undefined,
  ): Cancellable {
    return this.#shared.punctuation.schedule(this.node, interval, type, punctuator, start)
  }

  requestCommit(): void {
    this.#shared.commitRequested = true
  }

  drop(reason: DropReason): void {
    this.#shared.drops.drop(reason, 'node', this.node)
  }

  savedTime(key: string): number | undefined {
    return this.#shared.times.get(key)
  }

  saveTime(key: string, time: number): void {
    this.#shared.times.set(key, time)
  }

  forgetTime(key: string): void {
    this.#shared.times.delete(key)
  }

  #mayUse(name: string): boolean {
    return this.#stores.has(name) || this.#shared.stores.isGlobal(name)
  }

  #notConnected(name: string): MillraceError {
    return new MillraceError('MR_STORE_NOT_CONNECTED', `the processor has no access to a store "${name}"`, {
      node: this.node,
      store: name,
      hint: 'Name the store in the `stores` option of the operator.',
    })
  }
}
