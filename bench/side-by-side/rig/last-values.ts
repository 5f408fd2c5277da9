import type { Expectation } from './workloads.ts'

/** Right if the last record of every key has the expected value, and there is no other key. */
export class LastValues<V> implements Expectation {
  readonly expected = new Map<string, V>()
  readonly #last = new Map<string, unknown>()
  readonly #same: (expected: V, found: V) => boolean

  constructor(same: (expected: V, found: V) => boolean) {
    this.#same = same
  }

  add(key: string, value: unknown): void {
    this.#last.set(key, value)
  }

  /** The last value of a key, taken to be of the expected type. */
  protected last(key: string): V | undefined {
    return (this.#last.get(key) ?? undefined) as V | undefined
  }

  fault(): string | undefined {
    let wrong = 0
    let example = ''
    for (const [key, value] of this.expected) {
      const found = this.last(key)
      if (found !== undefined && this.#same(value, found)) continue
      wrong++
      example = `${key} is ${JSON.stringify(found)}, should be ${JSON.stringify(value)}`
    }
    if (wrong > 0) return `${wrong} of ${this.expected.size} keys are wrong (${example})`
    if (this.#last.size !== this.expected.size) return `${this.#last.size} keys, should be ${this.expected.size}`
    return undefined
  }
}
