import { MillraceError } from '../../errors/millrace-error.ts'
import { ignoreRejection, isThenable } from '../../platform/thenable.ts'
import type { CallbackScope } from '../../record/callback-scope.ts'

/** Every method of a user's store that writes must call it before it changes anything. */
export type WriteCheck = (method: string, key: unknown, value: unknown) => void

/**
 * Returns a check that throws MR_OUTSIDE_CALLBACK and MR_PROMISE.
 *
 * @param scope the processor whose callbacks may write; without it anybody may at any time
 */
export function writeCheck(store: string, scope: CallbackScope | undefined): WriteCheck {
  return (method, key, value) => {
    scope?.check(method, store)
    if (isThenable(key) || isThenable(value)) throw promiseGiven(store, method, key, value)
  }
}

function promiseGiven(store: string, method: string, key: unknown, value: unknown): MillraceError {
  ignoreRejection(key)
  ignoreRejection(value)
  return new MillraceError('MR_PROMISE', `${method} got a promise`, {
    store,
    hint: 'Put the value itself: nothing is awaited between two records.',
  })
}
