import { MillraceError } from '../errors.ts'
import type { LogReader } from '../log/log.ts'
import type { TaskState } from '../state/task-state.ts'
import { wait, type Steps } from './steps.ts'

/** A store that is behind its changelog. */
export interface RestoreJob {
  readonly task: string
  readonly store: string
  readonly state: TaskState
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** First offset to replay. */
  readonly from: number
  /** Where the changelog ended when the restore began. */
  readonly end: number
}

/** How far the restore of a store is; told to listeners. */
export interface RestoreProgress {
  readonly task: string
  readonly store: string
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly end: number
  readonly position: number
  /** Records applied so far. */
  readonly records: number
}

export type RestoreListener = (event: 'start' | 'progress' | 'end', progress: RestoreProgress) => void

/**
 * Replays changelogs into stores, side by side with running tasks: `advance` applies what has arrived and returns. A job
 * ends when the reader's *position* has reached the end: the last records may be control records that are never shown.
 */
export class Restorer {
  readonly #reader: LogReader
  readonly #jobs = new Map<string, { job: RestoreJob; records: number }>()
  readonly #listener: RestoreListener
  readonly #now: () => number

  constructor(reader: LogReader, listener: RestoreListener, now: () => number) {
    this.#reader = reader
    this.#listener = listener
    this.#now = now
  }

  get active(): boolean {
    return this.#jobs.size > 0
  }

  onReady(wake: (() => void) | undefined): void {
    this.#reader.onReady(wake)
  }

  add(job: RestoreJob): void {
    this.#jobs.set(keyOf(job.topic, job.partition), { job, records: 0 })
    this.#reader.assign(job.topic, job.partition, job.from)
    this.#listener('start', progressOf(job, job.from, 0))
  }

  /** Gives up the jobs of a task that is closed. */
  remove(task: string): void {
    for (const [key, { job }] of this.#jobs) if (job.task === task) this.#drop(key, job)
  }

  /** True if any of this task's stores is not complete. */
  isRestoring(task: string): boolean {
    for (const { job } of this.#jobs.values()) if (job.task === task) return true
    return false
  }

  /** Applies what has arrived; true if anything had. */
  *advance(): Steps<boolean> {
    if (this.#jobs.size === 0) return false
    const touched = new Set<string>()
    this.#reader.poll((topic, partition, cursor) => {
      const key = keyOf(topic, partition)
      const entry = this.#jobs.get(key)
      if (entry === undefined) return
      touched.add(key)
      while (cursor.next()) {
        // Records behind the end were written after the restore began, by an owner that is fenced by now.
        if (cursor.offset >= entry.job.end) break
        entry.job.state.restore(entry.job.store, cursor)
        entry.records++
      }
    })
    for (const [key, entry] of this.#jobs) {
      const { job } = entry
      const position = this.#reader.position(job.topic, job.partition) ?? job.from
      const done = position >= job.end
      if (!done && !touched.has(key)) continue
      const offset = Math.min(position, job.end)
      yield* wait(job.state.write(new Map([[job.store, { offset, topicId: job.topicId, time: this.#now() }]])))
      this.#listener(done ? 'end' : 'progress', progressOf(job, offset, entry.records))
      if (done) this.#drop(key, job)
    }
    return touched.size > 0
  }

  #drop(key: string, job: RestoreJob): void {
    this.#jobs.delete(key)
    this.#reader.unassign(job.topic, job.partition)
  }

  close(): void {
    this.#jobs.clear()
    void this.#reader.close()
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}

function progressOf(job: RestoreJob, position: number, records: number): RestoreProgress {
  const { task, store, topic, partition, from, end } = job
  return { task, store, topic, partition, from, end, position, records }
}

/** Where to begin the restore of a store: its checkpoint if it is of this very topic and within what the topic still holds. */
export function restoreFrom(
  checkpoint: { readonly offset: number; readonly topicId: string; readonly time: number } | undefined,
  topicId: string,
  earliest: number,
  end: number,
): { readonly offset: number; readonly wipe: boolean } {
  if (checkpoint === undefined) return { offset: earliest, wipe: false }
  const usable = checkpoint.topicId === topicId && checkpoint.offset >= earliest && checkpoint.offset <= end
  return usable ? { offset: checkpoint.offset, wipe: false } : { offset: earliest, wipe: true }
}

/** A changelog that should be there is not. */
export function missingChangelog(topic: string, store: string, task: string): MillraceError {
  return new MillraceError('MR_INTERNAL_TOPIC', `the changelog topic "${topic}" does not exist`, {
    store,
    task,
    topic,
    hint: 'It was deleted, or the group could not create it.',
  })
}
