import { MillraceError } from '../errors/millrace-error.ts'
import { ignoreRejection, isThenable } from '../platform/thenable.ts'

/** @throws MR_PROMISE for a promise instead of a key or value: JSON would write it as `{}` */
export function refusePromises(method: string, topic: string, key: unknown, value: unknown): void {
  if (!isThenable(key) && !isThenable(value)) return
  ignoreRejection(key)
  ignoreRejection(value)
  throw new MillraceError('MR_PROMISE', `${method} got a promise`, { topic, hint: 'Await the promise first.' })
}
