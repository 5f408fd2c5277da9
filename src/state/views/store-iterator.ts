import { MillraceError } from '../../errors/millrace-error.ts'
import type { EntryCursor } from '../states.ts'
import type { StoreIterator } from './stores.ts'

/** The iterators that users have open. They end with the callback at the latest. */
export class OpenIterators {
  readonly #open = new Set<{ expire(): void }>()
  readonly #afterRead: () => void

  /** @param afterRead called when a user has read: what was read stays in memory until the callee forgets it */
  constructor(afterRead: () => void) {
    this.#afterRead = afterRead
  }

  /** Must be called when a user has read a row and has a copy of it. */
  wasRead(): void {
    this.#afterRead()
  }

  add<C extends EntryCursor<unknown, unknown>, T>(cursor: C, store: string, read: (cursor: C) => T): StoreIterator<T> {
    const iterator = new CursorIterator<C, T>(cursor, store, read, () => {
      this.#open.delete(iterator)
      this.#afterRead()
    })
    this.#open.add(iterator)
    return iterator
  }

  endAll(): void {
    if (this.#open.size === 0) return
    for (const iterator of this.#open) iterator.expire()
  }
}

class CursorIterator<C extends EntryCursor<unknown, unknown>, out T> implements StoreIterator<T> {
  readonly #cursor: C
  readonly #store: string
  readonly #read: (cursor: C) => T
  readonly #closed: () => void
  #state: 'open' | 'closed' | 'expired' = 'open'

  constructor(cursor: C, store: string, read: (cursor: C) => T, closed: () => void) {
    this.#cursor = cursor
    this.#store = store
    this.#read = read
    this.#closed = closed
  }

  next(): IteratorResult<T, undefined> {
    if (this.#state === 'expired') {
      throw new MillraceError('MR_ITERATOR_CLOSED', 'the callback in which the iterator was opened is over', {
        store: this.#store,
        hint: 'Take what you need of it before the callback returns, or before an await.',
      })
    }
    if (this.#state === 'closed') return { done: true, value: undefined }
    try {
      if (this.#cursor.next()) return { done: false, value: this.#read(this.#cursor) }
    } catch (error) {
      this.close()
      throw error
    }
    this.close()
    return { done: true, value: undefined }
  }

  return(): IteratorResult<T, undefined> {
    this.close()
    return { done: true, value: undefined }
  }

  close(): void {
    if (this.#state !== 'open') return
    this.#state = 'closed'
    this.#closed()
    this.#cursor.close()
  }

  expire(): void {
    this.close()
    this.#state = 'expired'
  }

  [Symbol.dispose](): void {
    this.close()
  }

  [Symbol.iterator](): this {
    return this
  }
}
