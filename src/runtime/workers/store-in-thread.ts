import { MillraceError } from '../../errors/millrace-error.ts'

export function storeInThread(store: string): MillraceError {
  return new MillraceError('MR_STORE_IN_THREAD', 'the store lies in stream threads that have a memory of their own', {
    store,
    hint: 'Ask `streams.store(…)` instead: it asks all threads.',
  })
}
