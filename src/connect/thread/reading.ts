import type { Logger } from '../../application/application.ts'
import { messageOf } from '../../errors/millrace-error.ts'
import type { Clock } from '../../platform/clock.ts'
import { endsWithin } from '../../platform/ends-within.ts'
import type { Scheduler } from '../../platform/scheduler.ts'
import { wrongResult } from '../definition/connector.ts'
import type { SourceBatch, SourceSpec } from '../definition/source.ts'
import { Backoff, pause } from './backoff.ts'
import type { ConnectorCounters } from './counters.ts'
import { positionText } from './positions.ts'

/** ms after which a reading lets other work of the event loop run. */
const SLICE = 10
/** ms that a `read` is given to end once its signal is aborted. Nothing that it yields later is taken. */
const PATIENCE = 5_000

/** What a reading needs of the source that it belongs to. */
export interface ReadingHost {
  readonly spec: SourceSpec
  readonly untilEnd: boolean
  readonly clock: Clock
  readonly scheduler: Scheduler
  readonly logger: Logger
  readonly counters: ConnectorCounters
  /** Resolves when another batch may be asked for; undefined if it may at once. */
  room(): Promise<void> | undefined
  /** Appends the records of a batch, to be committed with the position that the reading then has. */
  append(reading: Reading, batch: SourceBatch<unknown, unknown, unknown>): void
  /** Takes an error that ends the connector. */
  failed(error: unknown): void
  /** Called when the reading has begun to fail, goes on again, or is done. */
  changed(): void
}

/** The reading of one source partition, from `start` until it is stopped, or done with `untilEnd`. */
export class Reading {
  readonly partition: string
  readonly task: number
  readonly #host: ReadingHost
  readonly #stop = new AbortController()
  readonly #stopped = Promise.withResolvers<void>()
  readonly #backoff: Backoff
  readonly #notifying: Backoff
  #position: unknown
  /** The position as text, if it was yielded after the last commit. */
  #news: string | undefined
  #running: Promise<void> = Promise.resolve()
  #isDone = false
  /** The position that `committed` still has to be called with. */
  #toNotify: { readonly position: unknown } | undefined
  #isNotifying = false
  #notified: Promise<void> = Promise.resolve()
  /** Why it is failing at present. */
  failure: string | undefined

  constructor(partition: string, task: number, position: unknown, host: ReadingHost) {
    this.partition = partition
    this.task = task
    this.#position = position
    this.#host = host
    this.#backoff = new Backoff(host.spec.retry, host.clock)
    this.#notifying = new Backoff(host.spec.retry, host.clock)
  }

  /** True if it has read to the end, everything is committed, and `committed` has nothing left to do. */
  get isDone(): boolean {
    return this.#isDone && this.#news === undefined && !this.#isNotifying
  }

  /** True if it has read to the end, which it does with `untilEnd` alone. */
  get hasEnded(): boolean {
    return this.#isDone
  }

  start(): void {
    this.#running = this.#run().catch((error: unknown) => this.#host.failed(error))
  }

  /** Ends the reading. What it yielded before counts; nothing that it yields from now on does. */
  async stop(): Promise<void> {
    this.#stop.abort()
    this.#stopped.resolve()
    const { clock, logger, spec } = this.#host
    if (await endsWithin(clock, PATIENCE, this.#running)) return
    const fields = { connector: spec.name, partition: this.partition, after: `${PATIENCE} ms` }
    logger.warn(fields, 'read() goes on after its signal was aborted; what it yields is dropped')
  }

  /** Returns the position to commit and what to call when it is committed; undefined if there is none. */
  take(): { readonly text: string; readonly done: () => void } | undefined {
    const text = this.#news
    if (text === undefined) return undefined
    this.#news = undefined
    const position = this.#position
    return { text, done: () => this.#committed(position) }
  }

  async #run(): Promise<void> {
    const { spec, untilEnd, clock, counters, logger } = this.#host
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        await this.#readOnce()
        if (untilEnd && !signal.aborted) {
          this.#isDone = true
          this.#host.changed()
          return
        }
        this.#recovered()
        await pause(clock, spec.pollInterval, signal)
      } catch (error) {
        if (signal.aborted) return
        const ms = this.#backoff.failed(error)
        counters.retries++
        this.failure = messageOf(error)
        logger.warn(
          { connector: spec.name, partition: this.partition, err: error, pause: ms },
          'reading failed; trying again',
        )
        this.#host.changed()
        await pause(clock, ms, signal)
      }
    }
  }

  /** Runs `read` until it returns or the reading is stopped. */
  async #readOnce(): Promise<void> {
    const { spec, untilEnd, clock, scheduler, logger } = this.#host
    const { signal } = this.#stop
    const context = { partition: this.partition, position: this.#position, signal, untilEnd, logger }
    const batches = spec.read(context)[Symbol.asyncIterator]()
    let since = clock.monotonic()
    let isOver = false
    try {
      for (;;) {
        for (let room = this.#host.room(); room !== undefined; room = this.#host.room()) {
          await Promise.race([room, this.#stopped.promise])
          if (signal.aborted) return
        }
        if (signal.aborted) return
        const next = await batches.next()
        isOver = next.done === true
        if (isOver || signal.aborted) return
        this.#take(next.value)
        if (clock.monotonic() - since < SLICE) continue
        await scheduler.yield()
        since = clock.monotonic()
      }
    } catch (error) {
      // A generator that has thrown has ended.
      isOver = true
      throw error
    } finally {
      if (!isOver) await batches.return?.()
    }
  }

  #take(batch: SourceBatch<unknown, unknown, unknown>): void {
    if (typeof batch !== 'object' || batch === null || !('position' in batch))
      throw wrongResult(
        this.#host.spec.name,
        `read() of source partition "${this.partition}" yielded no position`,
        'Yield { records, position }.',
      )
    const text = positionText(this.#host.spec.name, this.partition, batch.position)
    this.#host.append(this, batch)
    // As it would be read after a restart: the source may go on changing its object.
    this.#position = JSON.parse(text)
    this.#news = text
    this.#recovered()
  }

  #recovered(): void {
    if (!this.#backoff.isFailing) return
    this.#backoff.succeeded()
    this.failure = undefined
    this.#host.changed()
  }

  #committed(position: unknown): void {
    if (this.#host.spec.committed === undefined) return
    this.#toNotify = { position }
    if (this.#isNotifying) return
    this.#isNotifying = true
    this.#notified = this.#notify()
  }

  async #notify(): Promise<void> {
    const { spec, clock, counters, logger } = this.#host
    try {
      for (let next = this.#toNotify; next !== undefined; next = this.#toNotify) {
        try {
          await spec.committed?.({ partition: this.partition, position: next.position })
          if (this.#toNotify === next) this.#toNotify = undefined
          this.#notifying.succeeded()
        } catch (error) {
          if (this.#stop.signal.aborted) return
          const ms = this.#notifying.failed(error)
          counters.retries++
          logger.warn(
            { connector: spec.name, partition: this.partition, err: error, pause: ms },
            'committed() failed; trying again',
          )
          await pause(clock, ms, this.#stop.signal)
        }
      }
    } catch (error) {
      this.#host.failed(error)
    } finally {
      this.#isNotifying = false
      this.#host.changed()
    }
  }

  /** Waits for the call of `committed` that is under way, for a bounded time. */
  async settled(): Promise<void> {
    await endsWithin(this.#host.clock, PATIENCE, this.#notified)
  }
}
