import type { Headers } from '../record/headers.ts'
import type { Duration } from '../windowing/windows.ts'

/* The Processor API: what users implement for `process`, `processValues` and `transformValues` (KIP-478, KIP-820). */

/** What a callback may return if its result is not used: anything but a promise, which nobody would await. */
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

/** A record as a processor sees it. What it changes in the headers goes with what it forwards from then on. */
export interface ProcessorRecord<K, V> {
  readonly key: K
  readonly value: V
  /** Event time, ms since the epoch. */
  readonly timestamp: number
  readonly headers: Headers
}

/** What to forward; missing parts are those of the current record (in a punctuator: the time, and no headers). */
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
  /** Stops the calls. */
  cancel(): void
}

/** The time of a punctuation: event time, which moves with the task's records, or the clock of the machine. */
export type PunctuationType = 'stream-time' | 'wall-clock-time'

/** Options of `schedule`. */
export interface ScheduleOptions {
  /** First due time, ms since the epoch; later ones follow at multiples of the interval from it (KIP-1146). */
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
   * Wall-clock time is first due one interval from now, stream time with the first record. Intervals of wall-clock time
   * keep their length when the date of the machine is set; `start` refers to the date. A punctuator that throws is
   * MR_PROCESSING, one that returns a promise MR_PROMISE.
   *
   * @throws MR_DURATION, MR_OUTSIDE_CALLBACK; MR_TIMESTAMP for a bad `start`; MR_PROMISE for an async punctuator
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
  /** Asks for a commit before `commitInterval` ends: after the current slice of records. @throws MR_OUTSIDE_CALLBACK */
  commit(): void
  /** Greatest timestamp this task has taken; -1 before the first record. */
  currentStreamTime(): number
  /** The date, ms since the epoch: it goes back when the clock of the machine is set back. */
  currentSystemTime(): number
}

/** What a `Processor` may do. */
export interface ProcessorContext<KOut, VOut> extends ProcessingContext {
  /**
   * Passes a record to every child, or to the one named; returns when they have processed it. Throws, and changes
   * nothing, once the callback that it belongs to has returned.
   * @throws MR_UNKNOWN_CHILD, MR_OUTSIDE_CALLBACK; MR_PROMISE for a promise as key or value; MR_TIMESTAMP for a
   * timestamp that is negative or no number within ±8.64e15: `onProcessingError` decides
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
 * A step of your own, for `process` (KIP-478): one per task, called with one record at a time, synchronously. What it
 * throws is MR_PROCESSING, a promise that it returns MR_PROMISE.
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
  /** Called once stores are open and restored. */
  init?(context: ProcessorContext<KOut, VOut>): NoPromise
  process(record: ProcessorRecord<KIn, VIn>): NoPromise
  /** Called when the task is closed, committed or not; nothing can be forwarded any more. */
  close?(): NoPromise
}

/** As `Processor`, for `processValues`: the key stays (KIP-820). */
export interface FixedKeyProcessor<KIn, VIn, VOut> {
  init?(context: FixedKeyProcessorContext<VOut>): NoPromise
  process(record: ProcessorRecord<KIn, VIn>): NoPromise
  close?(): NoPromise
}

/** Transforms the values of a table; called for tombstones, too, with null. */
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
