/**
 * What a function may return if its result is needed at once: anything but a promise, or what could be one. A promise
 * that the types do not show is MR_PROMISE at run time.
 *
 * @example
 * ```ts
 * type Cents = Settled<number> // number
 * type Later = Settled<number | Promise<number>> // never
 * ```
 */
export type Settled<R> = R & ([MayBePromise<R>] extends [true] ? never : unknown)

/**
 * False for `any`, and for a type parameter of which nothing is known yet: the compiler then takes the other branch of
 * `Settled`, so that helpers with type parameters of their own compile.
 */
type MayBePromise<R> = [0] extends [1 & R] ? false : [Extract<R, PromiseLike<unknown>>] extends [never] ? false : true
