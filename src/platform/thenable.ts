import { types } from 'node:util'

/** True for promises and what else can be awaited. A field `then` that is no function makes nothing of a value. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}

/** True for `async` functions and `async` generators, also when they are bound. */
export function isAsyncFunction(value: unknown): boolean {
  if (typeof value !== 'function') return false
  const tag: unknown = (value as { [Symbol.toStringTag]?: unknown })[Symbol.toStringTag]
  return tag === 'AsyncFunction' || tag === 'AsyncGeneratorFunction'
}

/** A promise that nobody waits for: without this its rejection would end the process. */
export function ignoreRejection(value: unknown): void {
  // Other thenables are left alone: some begin their work when `then` is called.
  if (types.isPromise(value)) void Promise.prototype.then.call(value, undefined, ignore)
}

function ignore(): void {}
