import { types } from 'node:util'

/** True for promises and other values that can be awaited. A field `then` that is no function does not count. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** True for `async` functions and `async` generators, even if they are bound. */
export function isAsyncFunction(value: unknown): boolean {
  if (typeof value !== 'function') return false
  const tag: unknown = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]
  return tag === 'AsyncFunction' || tag === 'AsyncGeneratorFunction'
}

/** Keeps the rejection of a promise that nobody awaits from ending the process. */
export function ignoreRejection(value: unknown, failed: (error: unknown) => void = () => {}): void {
  // Other thenables are left alone: some start their work when `then` is called.
  if (types.isPromise(value)) void Promise.prototype.then.call(value, undefined, failed)
}

/** Calls what is only notified: what it throws, or a promise of it rejects with, goes to `failed` and no further. */
export function carefully(notify: () => unknown, failed: (error: unknown) => void): void {
  try {
    ignoreRejection(notify(), failed)
  } catch (error) {
    failed(error)
  }
}
