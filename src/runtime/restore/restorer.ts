import { MillraceError } from '../../errors/millrace-error.ts'
import type { Log, LogReader, RecordCursor } from '../../log/log.ts'
import type { Clock } from '../../platform/clock.ts'
import { eventTime, noEventTime } from '../../record/event-time.ts'
import type { Checkpoint, TaskState } from '../../state/task/task-state.ts'
import type { Logger } from '../../application/application.ts'
import { refuseCallsAsRows } from './refuse-left-calls.ts'
import type { RestoreJob } from './restore-job.ts'
import { wait, type Steps } from '../../platform/steps.ts'

/** How far the restore of a store is. */
export interface RestoreProgress {
  readonly task: string
  readonly store: string
  readonly topic: string
  readonly partition: number
  readonly from: number
  readonly end: number
  /** Offset after the last record replayed so far. */
  readonly position: number
  /** Records applied so far. */
  readonly records: number
}

/** Is called when the restore of a store begins, gets on and ends (Kafka Streams' `StateRestoreListener`). */
export type RestoreListener = (event: 'start' | 'progress' | 'end', progress: RestoreProgress) => void

/** Longest time (ms) of replaying before running tasks get their turn. */
const SLICE = 10
/** Records applied for which it is time to write. */
const MAX_UNWRITTEN = 65_536
/** Records between two looks at the clock. */
const RECORDS_PER_LOOK = 256

/**
 * Replays changelogs into stores, side by side with running tasks: `advance` applies some of what has arrived and
 * returns. A job ends when the reader's *position* has reached the end: the last records may be control records, which
 * are never shown. A standby's job never ends. Its store is written at once, so that it can be taken over at any time.
 */
export class Restorer {
  readonly #log: Log
  readonly #reader: LogReader
  readonly #replays = new Map<string, Replay>()
  readonly #listener: RestoreListener
  readonly #clock: Clock
  readonly #logger: Logger
  /** Records applied so far, by store. */
  readonly applied = new Map<string, number>()

  /** @param fetchBytes bound of what is fetched and not applied */
  constructor(log: Log, listener: RestoreListener, clock: Clock, logger: Logger, fetchBytes: number) {
    this.#log = log
    this.#reader = log.openReader({ fetchBytes })
    this.#listener = listener
    this.#clock = clock
    this.#logger = logger
  }

  onReady(wake: (() => void) | undefined): void {
    this.#reader.onReady(wake)
  }

  add(job: RestoreJob): void {
    const replay = new Replay(job, this.#reader)
    this.#replays.set(keyOf(job.topic, job.partition), replay)
    this.#reader.assign(job.topic, job.partition, job.from)
    if (!job.follows) this.#listener('start', progressOf(replay, job.from))
  }

  #of(task: string): Replay[] {
    return [...this.#replays.values()].filter(({ job }) => job.task === task)
  }

  /** Gives up the jobs of a task. Their progress is written, but for the last records; for a standby, see `settle`. */
  remove(task: string): void {
    for (const replay of this.#of(task)) this.#drop(replay)
  }

  /** True if any of this task's stores is not complete. A standby's never are. */
  isRestoring(task: string): boolean {
    return this.#of(task).length > 0
  }

  /** How far the restores are that have an end. */
  get progress(): readonly RestoreProgress[] {
    return [...this.#replays.values()]
      .filter(({ job }) => !job.follows)
      .map((replay) => progressOf(replay, Math.min(replay.position, replay.job.end)))
  }

  /** How far each store is behind that follows its changelog; those of which it is not known are left out. */
  get standbyLags(): readonly { readonly task: string; readonly store: string; readonly lag: number }[] {
    return [...this.#replays.values()].flatMap(({ job: { follows, task, store }, lag }) =>
      follows && lag !== undefined ? [{ task, store, lag }] : [],
    )
  }

  /** Offsets that a task's stores are behind. Undefined: not known yet. */
  lag(task: string): number | undefined {
    let lag: number | undefined = 0
    for (const replay of this.#of(task)) {
      lag = lag === undefined || replay.lag === undefined ? undefined : lag + replay.lag
    }
    return lag
  }

  /** A standby of a source topic may follow up to here now. */
  follow(topic: string, partition: number, end: number): void {
    const replay = this.#replays.get(keyOf(topic, partition))
    if (replay === undefined || end <= replay.job.end) return
    replay.job = { ...replay.job, end }
    replay.unblock()
  }

  /** Writes how far a standby is, before it is promoted or closed. An idle one is further than what it wrote last. */
  *settle(task: string): Steps<void> {
    const checkpoints = new Map<string, Checkpoint>()
    let state: TaskState | undefined
    for (const replay of this.#of(task)) {
      if (replay.job.stale) continue
      state = replay.job.state
      checkpoints.set(replay.job.store, this.#checkpointOf(replay))
    }
    if (state !== undefined) yield* wait(state.write(checkpoints))
  }

  /** Applies what has arrived, for a slice of time; true if anything had. */
  *advance(): Steps<boolean> {
    if (this.#replays.size === 0) return false
    yield* this.#poll()
    const deadline = this.#clock.monotonic() + SLICE
    let applied = false
    for (const replay of this.#replays.values()) {
      const records = replay.apply(deadline, this.#clock)
      const { store } = replay.job
      if (records > 0) this.applied.set(store, (this.applied.get(store) ?? 0) + records)
      if (replay.isUpToDate) replay.asOf = this.#clock.now()
      if (replay.isContradicted)
        yield* this.#startOver(replay, 'its checkpoint is so old that deletions since may be unknown')
      else if (replay.writeDue) yield* this.#write(replay)
      if (records > 0) applied = true
    }
    return applied
  }

  *#poll(): Steps<void> {
    for (const replay of this.#replays.values()) if (replay.hasRecords) return
    try {
      this.#reader.poll((topic, partition, cursor) => this.#replays.get(keyOf(topic, partition))?.cursors.push(cursor))
    } catch (error) {
      const replay = this.#lostByRetention(error)
      if (replay === undefined) throw error
      yield* this.#startOver(replay, 'what follows its checkpoint was deleted from the changelog')
    }
  }

  #lostByRetention(error: unknown): Replay | undefined {
    if (!(error instanceof MillraceError) || error.code !== 'MR_OFFSET_OUT_OF_RANGE') return undefined
    return this.#replays.get(keyOf(error.topic ?? '', error.partition ?? -1))
  }

  /** The store is emptied and filled from the beginning of the changelog. */
  *#startOver(replay: Replay, reason: string): Steps<void> {
    const { task, store, state, topic, partition } = replay.job
    this.#logger.warn({ task, store, reason }, 'the store is wiped and restored from the beginning of its changelog')
    yield* wait(state.wipe(store))
    const earliest = yield* wait(this.#log.listOffsets([{ topic, partition }], 'earliest'))
    const from = earliest.get(topic, partition) ?? 0
    const end = Math.max(from, replay.job.end)
    this.add({ ...replay.job, from, asOf: this.#clock.now(), stale: false, end })
  }

  *#write(replay: Replay): Steps<void> {
    const { job, isDone } = replay
    replay.unwritten = 0
    const checkpoint = this.#checkpointOf(replay)
    yield* wait(job.state.write(new Map([[job.store, checkpoint]])))
    if (!job.follows) this.#listener(isDone ? 'end' : 'progress', progressOf(replay, checkpoint.offset))
    if (isDone) this.#drop(replay)
  }

  #checkpointOf({ job, position, asOf }: Replay): Checkpoint {
    return { offset: Math.min(position, job.end), topicId: job.topicId, time: asOf }
  }

  #drop({ job: { topic, partition } }: Replay): void {
    this.#replays.delete(keyOf(topic, partition))
    this.#reader.unassign(topic, partition)
  }

  close(): void {
    this.#replays.clear()
    void this.#reader.close()
  }
}

/** A job at work. */
class Replay {
  job: RestoreJob
  /** Handed over and not applied yet. */
  readonly cursors: RecordCursor[] = []
  records = 0
  /** Records applied and not written. */
  unwritten = 0
  /** When the store was last known to hold everything, ms since the epoch. */
  asOf: number
  /** A record followed a checkpoint that is too old for it. */
  isContradicted = false
  readonly #reader: LogReader
  /** Offset after the last record applied, or of the next one. */
  #applied: number
  /** The first cursor stands at a record that is not applied yet. */
  #atRecord = false
  #paused = false

  constructor(job: RestoreJob, reader: LogReader) {
    this.job = job
    this.asOf = job.asOf
    this.#applied = job.from
    this.#reader = reader
  }

  /** True if there is something to apply now. */
  get hasRecords(): boolean {
    return this.cursors.length > 0 && !this.#paused
  }

  /** Offset after everything applied. */
  get position(): number {
    const [first] = this.cursors
    const { topic, partition, from } = this.job
    return first === undefined ? (this.#reader.position(topic, partition) ?? from) : this.#applied
  }

  get isDone(): boolean {
    return !this.job.follows && this.position >= this.job.end
  }

  /**
   * Replayed rows are written when nothing is left to apply, or when they are enough: the more at once, the more rows
   * of a key are one. A standby's are written at once: it may be taken over at any time.
   */
  get writeDue(): boolean {
    if (this.isDone) return true
    if (this.unwritten === 0) return false
    return this.job.follows || !this.hasRecords || this.unwritten >= MAX_UNWRITTEN || this.job.state.restoreIsFull
  }

  get isUpToDate(): boolean {
    return this.job.follows ? this.lag === 0 : this.isDone
  }

  get lag(): number | undefined {
    const { topic, partition, end } = this.job
    const known = this.#reader.endOffset(topic, partition)
    return known === undefined ? undefined : Math.max(0, Math.min(known, end) - this.position)
  }

  /** Applies records until the end, the deadline, or none is left. Returns how many. */
  apply(deadline: number, clock: Clock): number {
    let count = 0
    while (!this.#paused) {
      const cursor = this.cursors[0]
      if (cursor === undefined) return count
      if (!this.#atRecord && !cursor.next()) {
        this.#applied = cursor.endOffset
        this.cursors.shift()
        continue
      }
      this.#atRecord = true
      if (cursor.offset >= this.job.end) {
        this.#block(cursor)
        return count
      }
      if (this.job.stale) {
        this.isContradicted = true
        return count
      }
      this.#applyOne(cursor)
      if (++count % RECORDS_PER_LOOK === 0 && clock.monotonic() >= deadline) return count
    }
    return count
  }

  #applyOne(cursor: RecordCursor): void {
    const { state, store, replay } = this.job
    const record = replay === undefined ? cursor : replay.recordAt(cursor)
    if (record !== undefined) {
      if (Number.isNaN(eventTime(record.timestamp))) throw this.#unstamped(cursor)
      if (this.records === 0) refuseCallsAsRows(this.job, cursor)
      state.restore(store, record)
    }
    this.#atRecord = false
    this.#applied = cursor.offset + 1
    this.records++
    this.unwritten++
  }

  #unstamped({ timestamp, offset }: RecordCursor): MillraceError {
    const { task, store, topic, partition } = this.job
    return noEventTime(timestamp, 'the timestamp of a changelog record', { task, store, topic, partition, offset })
  }

  /** Records after the end are for later (a standby's), or were written by an owner that is fenced by now. */
  #block(cursor: RecordCursor): void {
    this.#applied = cursor.offset
    this.#paused = true
    this.#reader.pause(this.job.topic, this.job.partition)
  }

  unblock(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#reader.resume(this.job.topic, this.job.partition)
  }
}

function keyOf(topic: string, partition: number): string {
  return `${topic}/${partition}`
}

function progressOf({ job, records }: Replay, position: number): RestoreProgress {
  const { task, store, topic, partition, from, end } = job
  return { task, store, topic, partition, from, end, position, records }
}
