import { MillraceError } from '../../errors/millrace-error.ts'

export function storeInThread(store: string): MillraceError {
  return new MillraceError('MR_STORE_IN_THREAD', 'the store lies in stream threads that have a memory of their own', {
    store,
    hint: 'Run with `threads: 1` to query it here, or write what you want to know to a topic.',
  })
}
