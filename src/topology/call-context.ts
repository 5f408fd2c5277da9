import type { Headers } from '../record/headers.ts'

/**
 * What the function of an asynchronous step gets as its third argument.
 *
 * @example
 * ```ts
 * payments.mapValuesAsync((payment, key, { signal, idempotencyKey }) => score(payment, signal, idempotencyKey))
 * ```
 */
export interface CallContext {
  /** Is aborted when the attempt has taken longer than `timeout`, and when the task closes. */
  readonly signal: AbortSignal
  /**
   * Is the same for every attempt at the same record, across restarts and owners of the partition, and different for
   * different records: `<application>/<topic>/<partition>/<offset>/<store>/<ordinal>`. Behind other asynchronous steps,
   * the ordinal begins with theirs: `<ordinal>/<store>/<ordinal>`. Behind caches, `suppress` and punctuators, where a
   * result belongs to no single input record, it is `<application>/<store>/<partition>/s<sequence number>`.
   */
  readonly idempotencyKey: string
  /** 1 for the first attempt, 2 for the first retry. After a restart it begins with 1 again. */
  readonly attempt: number
  readonly headers: Headers
  /** Event time of the record, ms since the epoch. */
  readonly timestamp: number
}

/**
 * The function of an asynchronous step. It returns the result, or a promise of it; a promise that is rejected, and an
 * error that is thrown, end the attempt.
 */
export type ServiceCall<K, V, R> = (value: V, key: K, context: CallContext) => R | PromiseLike<R>
