import type { Headers } from '../record/headers.ts'
import type { Duration } from '../windowing/windows.ts'

/*
 * The Processor API: what users implement for `process`, `processValues` and `transformValues` (Kafka Streams' Processor API,
 * KIP-478 and KIP-820).
 */

/** What callbacks may return whose results are of no use: anything but a promise, which would be awaited by nobody. */
export type NoPromise =
  | void
  | undefined
  | null
  | boolean
  | number
  | string
  | bigint
  | symbol
  | (object & { readonly then?: never })

/** A record as a processor sees it. The headers are the processor's own: what it changes goes with what it forwards from then on. */
export interface ProcessorRecord<K, V> {
  readonly key: K
  readonly value: V
  /** Event time, ms since the epoch. */
  readonly timestamp: number
  readonly headers: Headers
}

/** What to forward; parts left out are those of the record being processed (in a punctuator: stream or wall-clock time, no headers). */
export interface ForwardRecord<K, V> {
  readonly key: K
  readonly value: V
  readonly timestamp?: number
  readonly headers?: Headers
}

/** As `ForwardRecord`; the key is that of the record being processed and cannot be changed. */
export interface ForwardValue<V> {
  readonly value: V
  readonly timestamp?: number
  readonly headers?: Headers
}

/** Where the current record came from; absent in punctuators. */
export interface RecordMetadata {
  readonly topic: string
  readonly partition: number
  readonly offset: number
}

/** A punctuation that was scheduled. */
export interface Cancellable {
  /** No more calls. */
  cancel(): void
}

/** By event time, which moves with the records of the task, or by the clock of the machine. */
export type PunctuationType = 'stream-time' | 'wall-clock-time'

/** Options of `schedule`. */
export interface ScheduleOptions {
  /** First due time (ms since the epoch); later ones follow at multiples of the interval from it (KIP-1146). */
  readonly start?: number
}

/** What processors of every kind may do (Kafka Streams' `ProcessingContext`). Valid as long as the processor is. */
export interface ProcessingContext {
  readonly applicationId: string
  /** `<subtopology>_<partition>` */
  readonly taskId: string
  /** Where the current record came from; undefined in punctuators. */
  readonly recordMetadata: RecordMetadata | undefined
  /**
   * A store connected to this processor, or that of a global table. `S` is the store's type: nothing checks it.
   *
   * @throws MR_STORE_NOT_CONNECTED
   * @example
   * ```ts
   * const seen: KeyValueStore<string, number> = context.store('seen')
   * ```
   */
  store<S>(name: string): S
  /**
   * Calls `punctuator` with the current time whenever it is due; at most once however many intervals have passed.
   * Wall-clock time first falls due one interval from now, stream time with the first record. Intervals of wall-clock time pass at
   * their pace whatever is done to the date of the machine; `start` anchors to the date. A punctuator that throws is MR_PROCESSING,
   * one that returns a promise MR_PROMISE.
   *
   * @throws MR_DURATION; MR_TIMESTAMP if `start` is no event time; MR_PROMISE for an async punctuator; MR_OUTSIDE_CALLBACK
   * @example
   * ```ts
   * context.schedule('1m', 'wall-clock-time', () => context.forward({ key: 'open', value: open.size }))
   * ```
   */
  schedule(
    interval: Duration,
    type: PunctuationType,
    punctuator: (timestamp: number) => NoPromise,
    options?: ScheduleOptions,
  ): Cancellable
  /** Asks for a commit soon: after the slice of records being processed, without waiting for `commitInterval`. @throws MR_OUTSIDE_CALLBACK */
  commit(): void
  /** Greatest timestamp this task has taken; -1 before the first record. */
  currentStreamTime(): number
  /** The date, ms since the epoch: it goes back when the clock of the machine is set back. */
  currentSystemTime(): number
}

/** What a `Processor` may do. */
export interface ProcessorContext<KOut, VOut> extends ProcessingContext {
  /**
   * Hands a record to every child, or to the one named; returns when they have processed it. A call after the callback has returned
   * in which it stands throws, and changes nothing.
   * @throws MR_UNKNOWN_CHILD, MR_OUTSIDE_CALLBACK; MR_PROMISE for a promise as key or value; MR_TIMESTAMP for a timestamp that is
   * negative or no number within ±8.64e15: `onProcessingError` decides
   */
  forward(record: ForwardRecord<KOut, VOut>, child?: string): void
}

/** What a `FixedKeyProcessor` may do. */
export interface FixedKeyProcessorContext<VOut> extends ProcessingContext {
  /**
   * As `forward` of a processor, with the key of the record being processed.
   * @throws MR_NO_RECORD in punctuators, where there is none; MR_UNKNOWN_CHILD, MR_OUTSIDE_CALLBACK, MR_PROMISE
   */
  forward(record: ForwardValue<VOut>, child?: string): void
}

/**
 * A step of one's own, for `process` (KIP-478). One per task; called by one record at a time, synchronously. What it throws is
 * MR_PROCESSING, a promise that it returns MR_PROMISE.
 *
 * @example
 * ```ts
 * class Deduplicate implements Processor<string, Order, string, Order> {
 *   #context!: ProcessorContext<string, Order>
 *   init(context: ProcessorContext<string, Order>) {
 *     this.#context = context
 *   }
 *   process({ key, value }: ProcessorRecord<string, Order>) {
 *     const seen: KeyValueStore<string, number> = this.#context.store('seen')
 *     if (seen.putIfAbsent(value.id, 1) === undefined) this.#context.forward({ key, value })
 *   }
 * }
 * ```
 */
export interface Processor<KIn, VIn, KOut, VOut> {
  /** Stores are open and restored. */
  init?(context: ProcessorContext<KOut, VOut>): NoPromise
  process(record: ProcessorRecord<KIn, VIn>): NoPromise
  /** The task is closed, committed or not; nothing can be forwarded any more. */
  close?(): NoPromise
}

/** As `Processor`, for `processValues`: the key stays (KIP-820). */
export interface FixedKeyProcessor<KIn, VIn, VOut> {
  init?(context: FixedKeyProcessorContext<VOut>): NoPromise
  process(record: ProcessorRecord<KIn, VIn>): NoPromise
  close?(): NoPromise
}

/** Table `transformValues`: called for tombstones too, with a null value. */
export interface ValueTransformer<K, VIn, VOut> {
  init?(context: ProcessingContext): NoPromise
  transform(value: VIn | null, key: K): VOut | null
  close?(): NoPromise
}

/** Called once per task: each task needs a processor of its own. */
export type ProcessorSupplier<KIn, VIn, KOut, VOut> = () => Processor<KIn, VIn, KOut, VOut>
/** Called once per task. */
export type FixedKeyProcessorSupplier<KIn, VIn, VOut> = () => FixedKeyProcessor<KIn, VIn, VOut>
/** Called once per task. */
export type ValueTransformerSupplier<K, VIn, VOut> = () => ValueTransformer<K, VIn, VOut>
