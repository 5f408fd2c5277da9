import { setTimeout as sleep } from 'node:timers/promises'
import { readTopic, TopicWriter, type Log } from 'millrace'
import { payments, totals, type Total } from '../../deploy/template/app.ts'

export const PARTITIONS = 6
const ACCOUNTS = 2000

/** ms between two bursts of payments. */
const TURN = 20

/** Writes payments to the application's topic at a steady rate, and knows what the totals must be. */
export class Bank {
  readonly #log: Log
  readonly #writer: TopicWriter<string, { readonly cents: number }>
  readonly #expected = new Map<string, Total>()
  readonly #ending = new AbortController()
  #writing: Promise<void> = Promise.resolve()
  #written = 0

  private constructor(log: Log, writer: TopicWriter<string, { readonly cents: number }>) {
    this.#log = log
    this.#writer = writer
  }

  static async open(log: Log): Promise<Bank> {
    await log.createTopics([payments, totals].map(({ name }) => ({ name, partitions: PARTITIONS })))
    return new Bank(log, await TopicWriter.open(log, payments))
  }

  get written(): number {
    return this.#written
  }

  /** Writes some payments now. */
  async pay(count: number): Promise<void> {
    for (let left = count; left > 0; left--) this.#pay()
    await this.#writer.flush()
  }

  /** Begins to write payments, so many a second. */
  begin(rate: number): void {
    const { signal } = this.#ending
    this.#writing = (async () => {
      while (!signal.aborted) {
        await this.pay(Math.ceil((rate * TURN) / 1000))
        await sleep(TURN)
      }
    })()
  }

  /** Ends what `begin` began. */
  async end(): Promise<void> {
    this.#ending.abort()
    await this.#writing
  }

  #pay(): void {
    const index = this.#written++
    const key = `account-${index % ACCOUNTS}`
    const cents = (index * 7919) % 10_007
    this.#writer.write(key, { cents })
    const { count, cents: sum } = this.#expected.get(key) ?? { count: 0, cents: 0 }
    this.#expected.set(key, { count: count + 1, cents: sum + cents })
  }

  /**
   * Reads the totals until they count all payments. @returns accounts whose totals are not what was paid, ten at most
   */
  async wrong(signal: AbortSignal): Promise<string[]> {
    const last = new Map<string, Total>()
    let counted = 0
    for await (const { key, value } of readTopic(this.#log, totals, { signal })) {
      if (key === null || value === null) continue
      counted += value.count - (last.get(key)?.count ?? 0)
      last.set(key, value)
      if (counted >= this.#written) break
    }
    if (counted < this.#written) throw new Error(`${counted} of ${this.#written} payments are in the totals`)
    const accounts = new Set([...this.#expected.keys(), ...last.keys()])
    const wrong = [...accounts].filter((key) => {
      const [is, should] = [last.get(key), this.#expected.get(key)]
      return is?.count !== should?.count || is?.cents !== should?.cents
    })
    return wrong.slice(0, 10)
  }

  async close(): Promise<void> {
    await this.end()
    await this.#writer.close()
  }
}
