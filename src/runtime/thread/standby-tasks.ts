import { MillraceError } from '../../errors/millrace-error.ts'
import type { CommittedOffset, Log, PartitionMap, TopicPartition } from '../../log/log.ts'
import { isPromise } from '../../platform/maybe-promise.ts'
import type { Clock } from '../../platform/clock.ts'
import type { RepeatedLines } from '../../application/repeated-lines.ts'
import type { Restorer } from '../restore/restorer.ts'
import type { OpenTask, TaskOpener, TaskParts } from './task-opening.ts'
import { wait, type Steps } from '../../platform/steps.ts'

export interface StandbyTasksOptions {
  readonly groupId: string
  readonly log: Log
  readonly opener: TaskOpener
  readonly restorer: Restorer
  readonly clock: Clock
  readonly lines: RepeatedLines
}

/** How far a standby is behind. */
export interface StandbyLag {
  readonly id: string
  /** Offsets of its changelogs that its stores do not hold; `undefined` while unknown. */
  readonly lag: number | undefined
}

/** ms between two looks at how far a source topic that serves as changelog has been processed. */
const REFRESH_INTERVAL = 1000

/**
 * The standby tasks of one stream thread: their stores follow the changelogs, nothing is processed. One that is taken away
 * stays open until it is known whether it is taken away to become active here, which goes on from where it is.
 */
export class StandbyTasks {
  readonly #options: StandbyTasksOptions
  readonly #tasks = new Map<string, OpenTask>()
  #refreshing = false
  #refreshedAt: number
  #wake: (() => void) | undefined

  constructor(options: StandbyTasksOptions) {
    this.#options = options
    this.#refreshedAt = options.clock.monotonic()
  }

  get size(): number {
    return this.#tasks.size
  }

  get tasks(): readonly OpenTask[] {
    return [...this.#tasks.values()]
  }

  get lags(): readonly StandbyLag[] {
    return [...this.#tasks.keys()].map((id) => ({ id, lag: this.#options.restorer.lag(id) }))
  }

  has(id: string): boolean {
    return this.#tasks.has(id)
  }

  onReady(wake: (() => void) | undefined): void {
    this.#wake = wake
  }

  *open(parts: TaskParts): Steps<void> {
    const { log, groupId, opener, restorer } = this.#options
    const task = yield* opener.open(parts)
    try {
      const committed = yield* wait(log.committedOffsets(groupId, followedSources(task)))
      for (const job of yield* opener.restoreJobs(task, committed, true)) restorer.add(job)
    } catch (error) {
      restorer.remove(task.id)
      yield* opener.close(task.id, task.state)
      throw error
    }
    this.#tasks.set(task.id, task)
  }

  /** Gives the task away, open, with its checkpoints written; `undefined` if it is not here. */
  *take(id: string): Steps<OpenTask | undefined> {
    const task = this.#tasks.get(id)
    if (task === undefined) return undefined
    const { restorer } = this.#options
    yield* restorer.settle(id)
    restorer.remove(id)
    this.#tasks.delete(id)
    return task
  }

  *closeAllBut(wanted: ReadonlySet<string>): Steps<void> {
    for (const id of this.#tasks.keys()) {
      if (wanted.has(id)) continue
      const task = yield* this.take(id)
      if (task !== undefined) yield* this.#options.opener.close(id, task.state)
    }
  }

  /** Learns from time to time, in the background, how far source topics have been processed. */
  refresh(): void {
    const { clock, log, groupId } = this.#options
    const now = clock.monotonic()
    if (this.#tasks.size === 0 || this.#refreshing || now - this.#refreshedAt < REFRESH_INTERVAL) return
    this.#refreshedAt = now
    const sources = [...this.#tasks.values()].flatMap(followedSources)
    if (sources.length === 0) return
    const asked = log.committedOffsets(groupId, sources)
    if (!isPromise(asked)) {
      this.#follow(asked)
      return
    }
    this.#refreshing = true
    void asked
      .then(
        (committed) => this.#follow(committed),
        (error: unknown) => this.#cannotLearn(error),
      )
      .finally(() => (this.#refreshing = false))
  }

  #cannotLearn(error: unknown): void {
    const { groupId, lines } = this.#options
    const message = 'standbys cannot learn what has been processed'
    const reason = error instanceof MillraceError ? error.code : String(error)
    lines.warn(message, 'application', groupId, reason, { err: error })
  }

  #follow(committed: PartitionMap<CommittedOffset>): void {
    for (const [topic, partition, { offset }] of committed.entries()) {
      this.#options.restorer.follow(topic, partition, offset)
    }
    this.#wake?.()
  }
}

function followedSources({ changelogs }: OpenTask): TopicPartition[] {
  return [...changelogs.values()].filter(({ source }) => source)
}
