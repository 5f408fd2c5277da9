import { MillraceError } from '../../errors/millrace-error.ts'
import type { CommittedOffset, PartitionMap, TopicPartition } from '../../log/log.ts'
import { isPromise } from '../../platform/maybe-promise.ts'
import type { Restorer } from '../restore/restorer.ts'
import type { Task } from '../task/task.ts'
import type { TaskManagerOptions } from './task-manager-options.ts'

type FollowedSourcesOptions = Pick<TaskManagerOptions, 'app' | 'log' | 'clock' | 'lines'>

/** ms between two looks at how far a source topic has been processed. */
const REFRESH_INTERVAL = 1000

/**
 * The source topics that serve as changelogs of standbys. Such a standby follows its topic as far as the active task
 * has processed it. The log is asked for that from time to time, in the background.
 */
export class FollowedSources {
  readonly #options: FollowedSourcesOptions
  readonly #restorer: Restorer
  #refreshing = false
  #refreshedAt: number
  #wake: (() => void) | undefined

  constructor(options: FollowedSourcesOptions, restorer: Restorer) {
    this.#options = options
    this.#restorer = restorer
    this.#refreshedAt = options.clock.monotonic()
  }

  onReady(wake: (() => void) | undefined): void {
    this.#wake = wake
  }

  /** Asks how far the sources of these standbys have been processed, if it is time to. */
  refresh(standbys: readonly Task[]): void {
    const { clock, log, app } = this.#options
    const now = clock.monotonic()
    if (standbys.length === 0 || this.#refreshing || now - this.#refreshedAt < REFRESH_INTERVAL) return
    this.#refreshedAt = now
    const sources = standbys.flatMap(followedSources)
    if (sources.length === 0) return
    const asked = log.committedOffsets(app.id, sources)
    if (!isPromise(asked)) return this.#follow(asked)
    this.#refreshing = true
    void asked
      .then(
        (committed) => this.#follow(committed),
        (error: unknown) => this.#cannotLearn(error),
      )
      .finally(() => (this.#refreshing = false))
  }

  #cannotLearn(error: unknown): void {
    const { app, lines } = this.#options
    const message = 'standbys cannot learn what has been processed'
    const reason = error instanceof MillraceError ? error.code : String(error)
    lines.warn(message, 'application', app.id, reason, { err: error })
  }

  #follow(committed: PartitionMap<CommittedOffset>): void {
    for (const [topic, partition, { offset }] of committed.entries()) {
      this.#restorer.follow(topic, partition, offset)
    }
    this.#wake?.()
  }
}

export function followedSources({ changelogs }: Task): TopicPartition[] {
  return [...changelogs.values()].filter(({ source }) => source)
}
