import { MillraceError } from '../../errors/millrace-error.ts'
import type { Change } from '../../record/change.ts'
import type { Headers } from '../../record/headers.ts'
import type { SuppressBuffer } from '../../state/states.ts'
import { Windowed } from '../../windowing/windows.ts'
import { asChange } from '../table/derived-table-operator.ts'
import { ObservedTime } from '../observed-time.ts'
import { SpecOperator } from '../operator.ts'

/** `suppress`: holds changes back until their window has closed, or for some time, or until the buffer is full. */
export class Suppress extends SpecOperator<'suppress'> {
  #buffer!: SuppressBuffer<unknown, unknown>
  #observed!: ObservedTime
  /** Changes with a buffer time up to this many ms before stream time are due. */
  #wait = 0

  override init(): void {
    const { mode, inclusiveEnd, wait, store } = this.spec
    this.#buffer = this.context.state(store)
    this.#observed = new ObservedTime(this.context, this.context.node)
    // Kafka Streams fires one millisecond before a window whose end belongs to it has closed.
    this.#wait = mode === 'windowClose' && inclusiveEnd && !this.context.compatible ? wait + 1 : wait
  }

  override process(key: unknown, value: unknown, timestamp: number, headers: Headers): void {
    this.#observed.advance(timestamp)
    this.#buffer.put(this.#bufferTime(key, timestamp), key, asChange(value), timestamp, headers)
    if (this.#isDue()) this.#buffer.evictWhile(this.#isDue, this.#emit)
    if (this.#isFull()) {
      if (this.spec.whenFull === 'shutDown') throw this.#overflow()
      this.#buffer.evictWhile(this.#isFull, this.#emit)
    }
  }

  override passTime(ms: number, limit: number): boolean {
    if (!this.#observed.pass(ms, limit) || !this.#isDue()) return false
    this.#buffer.evictWhile(this.#isDue, this.#emit)
    return true
  }

  #bufferTime(key: unknown, timestamp: number): number {
    return this.spec.mode === 'windowClose' && key instanceof Windowed ? key.end : timestamp
  }

  readonly #isDue = (): boolean => this.#buffer.minTime <= this.#observed.time - this.#wait

  readonly #isFull = (): boolean => this.#buffer.count > this.spec.maxRecords || this.#buffer.bytes > this.spec.maxBytes

  readonly #emit = (key: unknown, change: Change<unknown>, timestamp: number, headers: Headers): void => {
    // A window without result has nothing final to say.
    if (this.spec.mode === 'windowClose' && change.newValue === null) return
    this.output.forward(key, change, timestamp, headers)
  }

  #overflow(): MillraceError {
    const { count, bytes } = this.#buffer
    const { maxRecords, maxBytes } = this.spec
    const message = `the buffer of suppress() is full: ${count} of ${maxRecords} records, ${bytes} of ${maxBytes} bytes`
    return new MillraceError('MR_SUPPRESS_FULL', message, {
      node: this.context.node,
      task: this.context.taskId,
      store: this.spec.store,
      hint: 'Raise the limits, or let the buffer emit early when it is full.',
    })
  }
}
