import { isMillraceError, messageOf } from '../../errors/millrace-error.ts'
import { PartitionMap, type CommittedOffset, type TopicPartition } from '../../log/log.ts'
import { wrongResult } from '../definition/connector.ts'
import type { NextOffset, OpenSink, SinkSpec } from '../definition/sink.ts'
import { Backoff } from './backoff.ts'
import { SinkBatches, type Arrival } from './sink-batch.ts'
import { sinkStarts } from './sink-starts.ts'
import { GivenUp, GoBack, requireCommitted, type Work, type WorkContext } from './work.ts'

type Target = OpenSink<unknown, unknown>

/**
 * Writes the records of the tasks that this instance has. One target is open at a time. It is closed, and another one
 * opened, whenever partitions come or go, and after every failure: then the target says where it goes on.
 */
export class SinkWork implements Work {
  readonly #spec: SinkSpec
  readonly #context: WorkContext
  readonly #batches: SinkBatches
  readonly #backoff: Backoff
  #partitions: readonly TopicPartition[] = []
  #target: Target | undefined
  #abort = new AbortController()
  /** What has arrived and is not in a batch yet: nothing more is asked for meanwhile. */
  #arrivals: Arrival[] = []
  /** Where each partition goes on after what was written. */
  #written = new PartitionMap<number>()
  #uncommitted = new PartitionMap<CommittedOffset>()
  #dirtySince = Infinity
  /** When the next attempt is due, after a failure. */
  #pausedUntil = -Infinity
  #isEnding: boolean
  /** Where reading ends, with `untilEnd`. */
  #ends: PartitionMap<number> | undefined
  failure: string | undefined

  private constructor(spec: SinkSpec, context: WorkContext) {
    this.#spec = spec
    this.#context = context
    this.#batches = new SinkBatches(spec, context.bad)
    this.#backoff = new Backoff(spec.retry, context.clock)
    this.#isEnding = false
    context.client.reader.onReady(context.wake)
  }

  static async open(spec: SinkSpec, context: WorkContext): Promise<SinkWork> {
    await context.bad.open(context.client.producer)
    return new SinkWork(spec, context)
  }

  get sleep(): number {
    const due = this.#dirtySince + this.#spec.commitInterval
    return Math.max(0, Math.min(due, this.failure === undefined ? Infinity : this.#pausedUntil) - this.#now)
  }

  get isDone(): boolean {
    if (!this.#isEnding || this.#dirtySince !== Infinity || this.#arrivals.length > 0) return false
    const { reader } = this.#context.client
    return this.#partitions.every(({ topic, partition }) => {
      const end = this.#ends?.get(topic, partition)
      return end !== undefined && (reader.position(topic, partition) ?? -1) >= end
    })
  }

  get lag(): number {
    const { reader } = this.#context.client
    let lag = 0
    for (const { topic, partition } of this.#partitions) {
      const [at, end] = [this.#written.get(topic, partition), reader.endOffset(topic, partition)]
      if (at !== undefined && end !== undefined) lag += Math.max(0, end - at)
    }
    return lag
  }

  /** Makes the sink end when it has written what is in its topics now. */
  end(): void {
    this.#isEnding = true
  }

  async assign(tasks: readonly number[]): Promise<void> {
    const partitions = await this.#partitionsOf(tasks)
    if (isSame(partitions, this.#partitions)) return
    await this.#commit()
    await this.#close()
    await this.#keep(partitions)
    await this.#attempt(() => this.#open())
  }

  async revoke(tasks: readonly number[]): Promise<void> {
    await this.#commit()
    await this.#close()
    const revoked = new Set(tasks)
    await this.#keep(this.#partitions.filter(({ partition }) => !revoked.has(partition)))
    if (this.#partitions.length > 0) await this.#attempt(() => this.#open())
  }

  async finish(): Promise<void> {
    await this.#commit()
    await this.#close()
    await this.#keep([])
  }

  async abandon(): Promise<void> {
    this.#abort.abort()
    await this.#close()
    await this.#keep([])
    this.#written.clear()
    this.#uncommitted.clear()
    this.#dirtySince = Infinity
  }

  lost(): void {
    if (!this.#context.client.group.isCurrent) this.#abort.abort()
  }

  async turn(): Promise<boolean> {
    if (this.#partitions.length === 0 || (this.failure !== undefined && this.#now < this.#pausedUntil)) return false
    if (this.#target === undefined && !(await this.#attempt(() => this.#open()))) return false
    if (this.#isEnding) await this.#findEnds()
    if (this.#arrivals.length === 0)
      this.#context.client.reader.poll((topic, partition, cursor) => this.#arrivals.push({ topic, partition, cursor }))
    const hasWritten = this.#arrivals.length > 0
    if (hasWritten) await this.#attempt(() => this.#write())
    const isDue = this.#now - this.#dirtySince >= this.#spec.commitInterval
    if (isDue || (this.#isEnding && !hasWritten)) await this.#commit()
    return hasWritten
  }

  get #now(): number {
    return this.#context.clock.monotonic()
  }

  async #partitionsOf(tasks: readonly number[]): Promise<TopicPartition[]> {
    const topics = this.#spec.topics.map(({ name }) => name)
    const found = await this.#context.log.describeTopics(topics)
    return topics.flatMap((topic) =>
      tasks.filter((task) => task < (found.get(topic)?.partitions ?? 0)).map((partition) => ({ topic, partition })),
    )
  }

  /** Forgets all partitions but these. */
  async #keep(partitions: readonly TopicPartition[]): Promise<void> {
    const { reader } = this.#context.client
    for (const { topic, partition } of this.#partitions) {
      reader.unassign(topic, partition)
      if (partitions.some((kept) => kept.topic === topic && kept.partition === partition)) continue
      this.#written.delete(topic, partition)
      this.#uncommitted.delete(topic, partition)
    }
    this.#partitions = partitions
    this.#arrivals = []
    this.#ends = undefined
  }

  async #open(): Promise<void> {
    const { log, client, clock, logger } = this.#context
    const partitions = this.#partitions
    if (partitions.length === 0) return
    this.#abort = new AbortController()
    // Stable offsets: a predecessor's last commit is decided.
    const offsets = await client.committed(partitions)
    const target = await this.#spec.open({ partitions, signal: this.#abort.signal })
    this.#target = target
    const known = this.#offsetsOf(target)
    const committed = new PartitionMap<number>()
    for (const [topic, partition, { offset }] of offsets.entries()) committed.set(topic, partition, offset)
    const all = { target: known, written: this.#written, committed }
    const starts = await sinkStarts(this.#spec, log, partitions, all, clock.now(), logger)
    this.#arrivals = []
    for (const [topic, partition, offset] of starts.entries()) {
      this.#written.set(topic, partition, offset)
      client.reader.assign(topic, partition, offset)
    }
  }

  /** Returns the offsets that the target keeps. @throws MR_CONNECTOR_RESULT if it does not do what was promised */
  #offsetsOf(target: Target): readonly NextOffset[] | undefined {
    const { name, guarantee } = this.#spec
    if (typeof target?.write !== 'function')
      throw wrongResult(
        name,
        'open() returned nothing with write()',
        'Return { write }, and { offsets } for exactly-once.',
      )
    if ((guarantee === 'exactly-once') === (target.offsets !== undefined)) return target.offsets
    throw guarantee === 'exactly-once'
      ? wrongResult(
          name,
          'open() returned no offsets',
          'A sink that is exactly-once returns the offsets that its target keeps.',
        )
      : wrongResult(name, 'open() returned offsets', "Promise guarantee: 'exactly-once', or return no offsets.")
  }

  async #findEnds(): Promise<void> {
    this.#ends ??= await this.#context.log.listOffsets(this.#partitions, 'latest')
  }

  async #write(): Promise<void> {
    const batches = this.#batches
    batches.begin()
    batches.fill(this.#arrivals)
    if (batches.givenUp > 0) await this.#commitLetters()
    const { records, offsets, consumed } = batches
    const { signal } = this.#abort
    let refused = 0
    const refuse = async (record: (typeof records)[number], error: Error): Promise<void> => {
      refused++
      batches.refuse(record, error)
      await this.#commitLetters()
    }
    if (consumed > 0) await this.#target?.write({ records, offsets, signal, refuse })
    this.#context.counters.records += records.length - refused
    for (const { topic, partition, offset } of offsets) {
      this.#written.set(topic, partition, offset)
      this.#uncommitted.set(topic, partition, { offset, metadata: '' })
    }
    if (this.#dirtySince === Infinity) this.#dirtySince = this.#now
  }

  /**
   * Makes dead letters durable before the target keeps an offset behind their records: it would not read them again.
   * Where the group keeps the offsets, letters are committed together with them.
   */
  async #commitLetters(): Promise<void> {
    const { guarantee, onError } = this.#spec
    if (guarantee !== 'exactly-once' || onError !== 'deadLetter') return
    requireCommitted(await this.#context.client.commit(new PartitionMap()))
  }

  async #commit(): Promise<void> {
    if (this.#uncommitted.size === 0) return
    const offsets = this.#uncommitted
    this.#uncommitted = new PartitionMap()
    this.#dirtySince = Infinity
    requireCommitted(await this.#context.client.commit(offsets))
    this.#context.counters.commits++
  }

  /** Does something with the target. After an error it is closed, and opened again after a pause. */
  async #attempt(act: () => Promise<void>): Promise<boolean> {
    const { counters, clock, logger } = this.#context
    try {
      await act()
      this.#backoff.succeeded()
      this.failure = undefined
      return true
    } catch (error) {
      // The thread decides about errors of the log, and all others of Millrace's own.
      if (error instanceof GoBack || isMillraceError(error)) throw error
      await this.#close()
      const pause = this.#pauseAfter(error)
      counters.retries++
      this.failure = messageOf(error)
      this.#pausedUntil = clock.monotonic() + pause
      logger.warn({ connector: this.#spec.name, err: error, pause }, 'writing failed; trying again')
      return false
    }
  }

  /** Returns ms until the next attempt. @throws GivenUp if there is none */
  #pauseAfter(error: unknown): number {
    try {
      return this.#backoff.failed(error)
    } catch (final) {
      throw new GivenUp(final)
    }
  }

  async #close(): Promise<void> {
    const target = this.#target
    this.#target = undefined
    this.#arrivals = []
    try {
      await target?.close?.()
    } catch (err) {
      this.#context.logger.warn({ connector: this.#spec.name, err }, 'the target could not be closed')
    }
  }
}

function isSame(left: readonly TopicPartition[], right: readonly TopicPartition[]): boolean {
  const has = ({ topic, partition }: TopicPartition): boolean =>
    right.some((other) => other.topic === topic && other.partition === partition)
  return left.length === right.length && left.every(has)
}
