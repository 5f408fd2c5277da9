import type { CallPolicy } from '../../topology/operator-spec.ts'
import type { Call } from './call.ts'

/** Records that a step takes for each call that may run: while the oldest is slow, others may begin. */
const PLACES_PER_CALL = 2

/**
 * The calls of a step in the order in which their records came: which of them may begin, and whose results may leave.
 *
 * Calls of one key are linked. With `serial` one begins when the one before it has ended. Results leave in the order of
 * arrival, or, as they are completed, in the order of arrival of their key.
 */
export class CallTable {
  readonly #concurrency: number
  readonly #isSerial: boolean
  readonly #isInOrder: boolean
  /** Those that may begin, first come first. */
  readonly #ready: Call[] = []
  /** As they are completed: those whose result may leave. */
  readonly #leaving: Call[] = []
  /** The last call of each key that has not left. */
  readonly #lastOfKey = new Map<unknown, Call>()
  #last: Call | undefined
  /** The oldest that has not left. */
  first: Call | undefined
  size = 0
  /** Calls that have begun and not ended. */
  running = 0

  constructor({ concurrency, sameKey, emit }: CallPolicy) {
    this.#concurrency = concurrency
    this.#isSerial = sameKey === 'serial'
    this.#isInOrder = emit === 'in-order'
  }

  get isFull(): boolean {
    return this.size >= this.#concurrency * PLACES_PER_CALL
  }

  /** True if calls of one key wait for each other, to begin or to leave. */
  get linksKeys(): boolean {
    return this.#isSerial || !this.#isInOrder
  }

  /** True if a call with this map key that came now could begin at once, and its result leave at once. */
  isFreeFor(mapKey: unknown): boolean {
    if (this.size === 0) return true
    if (this.#isInOrder || this.running >= this.#concurrency || this.#ready.length > 0) return false
    return mapKey === null || !this.#lastOfKey.has(mapKey)
  }

  /** @param mapKey what equal keys have in common; null: it is linked with no other */
  add(call: Call, mapKey: unknown): void {
    call.previous = this.#last
    if (this.#last === undefined) this.first = call
    else this.#last.next = call
    this.#last = call
    this.size++
    if (mapKey !== null) this.#link(call, mapKey)
    if (!this.#isSerial || call.before === undefined || call.before.hasEnded) this.#ready.push(call)
  }

  #link(call: Call, mapKey: unknown): void {
    const before = this.#lastOfKey.get(mapKey)
    if (before !== undefined) {
      before.after = call
      call.before = before
    }
    call.mapKey = mapKey
    this.#lastOfKey.set(mapKey, call)
  }

  /** Takes the next call that is to begin, if one may. It runs until `end`. */
  begin(): Call | undefined {
    if (this.running >= this.#concurrency) return undefined
    const call = this.#ready.shift()
    if (call !== undefined) this.running++
    return call
  }

  /** Its result is known, or its error. */
  end(call: Call): void {
    this.running--
    call.hasEnded = true
    const { before, after } = call
    if (this.#isSerial && after !== undefined) this.#ready.push(after)
    if (!this.#isInOrder && before === undefined) this.#leaving.push(call)
  }

  /** Returns the call whose result may leave next, if there is one. */
  get leaving(): Call | undefined {
    if (!this.#isInOrder) return this.#leaving[0]
    return this.first?.hasEnded === true ? this.first : undefined
  }

  /** Yields the calls in the order of arrival. The one that was yielded last may be removed. */
  *[Symbol.iterator](): Generator<Call> {
    let next: Call | undefined
    for (let call = this.first; call !== undefined; call = next) {
      next = call.next
      yield call
    }
  }

  /** Forgets a call. */
  remove(call: Call): void {
    if (!call.hasEnded) this.#cancel(call)
    const { previous, next, before, after, mapKey } = call
    if (previous === undefined) this.first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    this.size--
    takeOut(this.#leaving, call)
    if (before !== undefined) before.after = after
    if (after !== undefined) {
      after.before = before
      if (!this.#isInOrder && before === undefined && after.hasEnded) this.#leaving.push(after)
    } else if (mapKey !== null) {
      if (before === undefined) this.#lastOfKey.delete(mapKey)
      else this.#lastOfKey.set(mapKey, before)
    }
    // A call that lives in V8's old space, though dead, would keep the call after it alive, and that one the next.
    call.previous = call.next = call.before = call.after = undefined
  }

  /** It is not to begin any more, or nobody listens to it any more. */
  #cancel(call: Call): void {
    const { before, after } = call
    call.hasEnded = true
    if (call.attempts > 0) this.running--
    else takeOut(this.#ready, call)
    if (this.#isSerial && after !== undefined && before?.hasEnded !== false) this.#ready.push(after)
  }
}

function takeOut(list: Call[], call: Call): void {
  const at = list.indexOf(call)
  if (at >= 0) list.splice(at, 1)
}
