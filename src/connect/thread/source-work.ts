import { messageOf } from '../../errors/millrace-error.ts'
import { PartitionMap, type CommittedOffset } from '../../log/log.ts'
import type { Scheduler } from '../../platform/scheduler.ts'
import { RecordSlice } from '../../record/record-slice.ts'
import { wrongResult } from '../definition/connector.ts'
import type { SourceBatch, SourceSpec } from '../definition/source.ts'
import { Backoff } from './backoff.ts'
import type { ConnectorCounters } from './counters.ts'
import { Gate } from './gate.ts'
import { readPositions, taskOf } from './positions.ts'
import { Reading, type ReadingHost } from './reading.ts'
import { SourceOutput } from './source-output.ts'
import { GivenUp, GoBack, requireCommitted, type Work, type WorkContext } from './work.ts'

/** A task of a source: its partition of the topic of positions. */
interface Task {
  /** Committed positions by source partition, as JSON. */
  readonly positions: Map<string, string>
  /** Offset after the last known record of the partition. */
  end: number
}

/**
 * Reads the source partitions of the tasks that this instance has. Records and positions are appended to one
 * transaction, which the offsets of the tasks fence: the group refuses them from an instance that it has given up.
 */
export class SourceWork implements Work, ReadingHost {
  readonly spec: SourceSpec
  readonly untilEnd: boolean
  readonly counters: ConnectorCounters
  readonly #context: WorkContext
  readonly #positionsTopic: string
  readonly #output: SourceOutput
  readonly #tasks = new Map<number, Task>()
  readonly #readings = new Map<string, Reading>()
  /** Readings that were stopped and whose last position is not committed yet. */
  readonly #leaving = new Set<Reading>()
  readonly #gate = new Gate()
  readonly #listing: Backoff
  #isListing = false
  #nextListing = -Infinity
  /** The source partitions that there are; undefined if that is not known since tasks have come. */
  #listed: ReadonlySet<string> | undefined
  #isListingNew = false
  #listFailure: string | undefined
  /** When the first of what is not committed was appended, by the monotonic clock. */
  #dirtySince = Infinity
  #failure: { readonly error: unknown } | undefined

  private constructor(
    spec: SourceSpec,
    untilEnd: boolean,
    positionsTopic: string,
    context: WorkContext,
    output: SourceOutput,
  ) {
    this.spec = spec
    this.untilEnd = untilEnd
    this.counters = context.counters
    this.#positionsTopic = positionsTopic
    this.#context = context
    this.#output = output
    this.#listing = new Backoff(spec.retry, context.clock)
    context.client.producer.onWritable(() => this.#openGate())
  }

  static async open(
    spec: SourceSpec,
    untilEnd: boolean,
    positionsTopic: string,
    context: WorkContext,
  ): Promise<SourceWork> {
    const output = await SourceOutput.open(spec, context.bad, context.clock, context.client.producer)
    return new SourceWork(spec, untilEnd, positionsTopic, context, output)
  }

  get clock() {
    return this.#context.clock
  }

  get scheduler(): Scheduler {
    return this.#context.scheduler
  }

  get logger() {
    return this.#context.logger
  }

  get sleep(): number {
    const now = this.clock.monotonic()
    const listing = this.#isListing || this.#tasks.size === 0 ? Infinity : this.#nextListing
    return Math.max(0, Math.min(listing, this.#dirtySince + this.spec.commitInterval) - now)
  }

  get isDone(): boolean {
    if (!this.untilEnd || this.#isDirty || this.#listFailure !== undefined) return false
    if (this.#tasks.size === 0) return true
    if (this.#listed === undefined || this.#isListing || this.#isListingNew) return false
    return [...this.#readings.values()].every(({ isDone }) => isDone)
  }

  get failure(): string | undefined {
    if (this.#listFailure !== undefined) return this.#listFailure
    for (const { failure, partition } of this.#readings.values())
      if (failure !== undefined) return `${partition}: ${failure}`
    return undefined
  }

  get positions(): Readonly<Record<string, string>> {
    return Object.fromEntries([...this.#tasks.values()].flatMap(({ positions }) => [...positions]))
  }

  async assign(tasks: readonly number[]): Promise<void> {
    const { log, client } = this.#context
    const added = tasks.filter((task) => !this.#tasks.has(task))
    if (added.length === 0) return
    // Stable offsets: the outcome of every transaction that a predecessor may still commit is decided.
    await client.committed(added.map((partition) => ({ topic: this.#positionsTopic, partition })))
    for (const task of added) this.#tasks.set(task, await readPositions(log, this.#positionsTopic, task))
    this.#nextListing = -Infinity
    this.#listed = undefined
  }

  async revoke(tasks: readonly number[]): Promise<void> {
    const revoked = new Set(tasks)
    const readings = [...this.#readings.values()].filter(({ task }) => revoked.has(task))
    await this.#stop(readings)
    await this.#commit()
    await Promise.all(readings.map((reading) => reading.settled()))
    for (const task of revoked) this.#tasks.delete(task)
  }

  async finish(): Promise<void> {
    const readings = [...this.#readings.values()]
    await this.#stop(readings)
    await this.#commit()
    await Promise.all(readings.map((reading) => reading.settled()))
    this.#tasks.clear()
  }

  async abandon(): Promise<void> {
    const readings = [...this.#readings.values()]
    this.#readings.clear()
    this.#leaving.clear()
    this.#tasks.clear()
    this.#listed = undefined
    await Promise.all(readings.map((reading) => reading.stop()))
    this.#failure = undefined
    this.#output.records = this.#output.bytes = 0
    this.#dirtySince = Infinity
    this.#openGate()
  }

  lost(): void {}

  async turn(): Promise<boolean> {
    if (this.#failure !== undefined) throw this.#failure.error
    const now = this.clock.monotonic()
    if (this.#tasks.size > 0 && !this.#isListing && now >= this.#nextListing) void this.#list()
    if (this.#isListingNew && this.#listed !== undefined) await this.#apply(this.#listed)
    if (!this.#isCommitDue(now)) return false
    await this.#commit()
    return true
  }

  room(): Promise<void> | undefined {
    const { producer } = this.#context.client
    if (this.#failure !== undefined || !producer.writable || this.#output.bytes >= this.spec.maxBatch)
      this.#gate.close()
    return this.#gate.opened
  }

  append(reading: Reading, batch: SourceBatch<unknown, unknown, unknown>): void {
    try {
      this.#output.append(reading.partition, batch.records)
    } catch (error) {
      // A part of the batch is in the transaction, so that it must not be committed.
      this.#fail(new GoBack('a batch was appended in part', error))
      throw error
    }
    if (this.#dirtySince === Infinity) this.#dirtySince = this.clock.monotonic()
    this.#context.wake()
  }

  failed(error: unknown): void {
    this.#fail(new GivenUp(error))
  }

  changed(): void {
    this.#context.wake()
  }

  #fail(error: unknown): void {
    this.#failure ??= { error }
    this.#context.wake()
  }

  get #isDirty(): boolean {
    return this.#dirtySince !== Infinity
  }

  #isCommitDue(now: number): boolean {
    if (!this.#isDirty) return false
    if (now - this.#dirtySince >= this.spec.commitInterval || this.#output.bytes >= this.spec.maxBatch) return true
    return this.untilEnd && [...this.#readings.values()].every((reading) => reading.hasEnded)
  }

  async #list(): Promise<void> {
    this.#isListing = true
    const now = this.clock.monotonic()
    try {
      const names = await this.spec.partitions()
      this.#listed = checkedNames(this.spec.name, names)
      this.#isListingNew = true
      this.#listing.succeeded()
      this.#listFailure = undefined
      this.#nextListing = now + this.spec.partitionsInterval
    } catch (error) {
      this.#listFailed(error)
    } finally {
      this.#isListing = false
      this.#context.wake()
    }
  }

  #listFailed(error: unknown): void {
    try {
      const pause = this.#listing.failed(error)
      this.counters.retries++
      this.#listFailure = messageOf(error)
      this.#nextListing = this.clock.monotonic() + pause
      this.logger.warn({ connector: this.spec.name, err: error, pause }, 'partitions() failed; trying again')
    } catch (final) {
      this.failed(final)
    }
  }

  /** Starts and stops readings, so that those of the listed partitions run that belong to the tasks. */
  async #apply(listed: ReadonlySet<string>): Promise<void> {
    this.#isListingNew = false
    const gone = [...this.#readings.values()].filter(({ partition }) => !listed.has(partition))
    await this.#stop(gone)
    // One that is listed again must not begin behind what the last reading of it has appended.
    if (gone.length > 0) await this.#commit()
    for (const name of listed) {
      const number = taskOf(name, this.spec.tasks)
      const task = this.#tasks.get(number)
      if (task === undefined || this.#readings.has(name)) continue
      const known = task.positions.get(name)
      const reading = new Reading(name, number, known === undefined ? this.spec.start : JSON.parse(known), this)
      this.#readings.set(name, reading)
      reading.start()
    }
  }

  async #stop(readings: readonly Reading[]): Promise<void> {
    for (const reading of readings) {
      this.#readings.delete(reading.partition)
      this.#leaving.add(reading)
    }
    await Promise.all(readings.map((reading) => reading.stop()))
  }

  /** Commits what was appended together with the positions after it. Readings go on meanwhile, for the next commit. */
  async #commit(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure.error
    if (!this.#isDirty) return
    const { client } = this.#context
    const offsets = new PartitionMap<CommittedOffset>()
    const taken: {
      readonly task: Task
      readonly reading: Reading
      readonly text: string
      readonly done: () => void
    }[] = []
    for (const reading of [...this.#leaving, ...this.#readings.values()]) {
      const news = reading.take()
      const task = this.#tasks.get(reading.task)
      if (news === undefined || task === undefined) continue
      this.#appendPosition(reading, news.text)
      offsets.set(this.#positionsTopic, reading.task, { offset: task.end, metadata: '' })
      taken.push({ task, reading, ...news })
    }
    this.#leaving.clear()
    const { records } = this.#output
    this.#output.records = this.#output.bytes = 0
    this.#dirtySince = Infinity
    const committing = client.commit(offsets)
    this.#openGate()
    const outcome = await committing
    requireCommitted(outcome)
    this.counters.commits++
    this.counters.records += records
    for (const { task, reading, text, done } of taken) {
      task.positions.set(reading.partition, text)
      const last = client.producer.lastOffset(this.#positionsTopic, reading.task)
      if (last !== undefined) task.end = Math.max(task.end, last + 1)
      done()
    }
  }

  #appendPosition(reading: Reading, text: string): void {
    const slice = RecordSlice.of(this.clock.now(), Buffer.from(reading.partition), Buffer.from(text), undefined)
    this.#context.client.producer.append(this.#positionsTopic, reading.task, slice)
  }

  #openGate(): void {
    const { producer } = this.#context.client
    if (producer.writable && this.#output.bytes < this.spec.maxBatch) this.#gate.open()
  }
}

function checkedNames(connector: string, names: unknown): ReadonlySet<string> {
  if (Array.isArray(names) && names.every((name) => typeof name === 'string' && name !== '')) return new Set(names)
  throw wrongResult(connector, 'partitions() returned no names', "Return a list of texts, as in ['north', 'south'].")
}
