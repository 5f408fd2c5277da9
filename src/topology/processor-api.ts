import type { Headers } from '../record/headers.ts'
import type { Duration } from '../windowing/index.ts'

/*
 * The Processor API: what users implement for `process`, `processValues` and `transformValues` (Kafka Streams' Processor API,
 * KIP-478 and KIP-820).
 */

/** A record as a processor sees it. The headers are those of the record itself: changing them changes what later processors see. */
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

export interface Cancellable {
  cancel(): void
}

export type PunctuationType = 'stream-time' | 'wall-clock-time'

export interface ScheduleOptions {
  /** First due time (ms since the epoch); later ones follow at multiples of the interval from it (KIP-1146). */
  readonly start?: number
}

/** What processors of every kind may do. */
export interface ProcessingContext {
  readonly applicationId: string
  /** `<subtopology>_<partition>` */
  readonly taskId: string
  /** Where the current record came from; undefined in punctuators. */
  readonly recordMetadata: RecordMetadata | undefined
  /**
   * A store connected to this processor.
   * @throws MR_STORE_NOT_CONNECTED
   */
  store<S>(name: string): S
  /**
   * Calls `punctuator` with the current time whenever it is due; at most once however many intervals have passed.
   * Wall-clock time first falls due one interval from now, stream time with the first record.
   */
  schedule(
    interval: Duration,
    type: PunctuationType,
    punctuator: (timestamp: number) => void,
    options?: ScheduleOptions,
  ): Cancellable
  /** Asks for a commit soon. */
  commit(): void
  /** Greatest timestamp this task has taken; -1 before the first record. */
  currentStreamTime(): number
  /** Wall-clock time, ms since the epoch. */
  currentSystemTime(): number
}

export interface ProcessorContext<KOut, VOut> extends ProcessingContext {
  /**
   * Hands a record to every child, or to the one named; returns when they have processed it.
   * @throws MR_UNKNOWN_CHILD
   */
  forward(record: ForwardRecord<KOut, VOut>, child?: string): void
}

export interface FixedKeyProcessorContext<VOut> extends ProcessingContext {
  forward(record: ForwardValue<VOut>, child?: string): void
}

export interface Processor<KIn, VIn, KOut, VOut> {
  init?(context: ProcessorContext<KOut, VOut>): void
  process(record: ProcessorRecord<KIn, VIn>): void
  close?(): void
}

export interface FixedKeyProcessor<KIn, VIn, VOut> {
  init?(context: FixedKeyProcessorContext<VOut>): void
  process(record: ProcessorRecord<KIn, VIn>): void
  close?(): void
}

/** Table `transformValues`: called for tombstones too, with a null value. */
export interface ValueTransformer<K, VIn, VOut> {
  init?(context: ProcessingContext): void
  transform(value: VIn | null, key: K): VOut | null
  close?(): void
}

/** Called once per task: each task needs a processor of its own. */
export type ProcessorSupplier<KIn, VIn, KOut, VOut> = () => Processor<KIn, VIn, KOut, VOut>
export type FixedKeyProcessorSupplier<KIn, VIn, VOut> = () => FixedKeyProcessor<KIn, VIn, VOut>
export type ValueTransformerSupplier<K, VIn, VOut> = () => ValueTransformer<K, VIn, VOut>
