import { defineApp, json, readTopic, string, topic, TopicWriter } from 'millrace'
import type { Application, Log } from 'millrace'

export interface Payment {
  readonly cents: number
}
export interface Total {
  readonly count: number
  readonly cents: number
}

export const PARTITIONS = 3
const ACCOUNTS = 100

/** Totals of accounts, under names of a test's own. */
export class TotalsCase {
  readonly payments
  readonly totals
  readonly changelog: string
  readonly app: Application
  /** May be closed and opened again. */
  log: Log
  #paid = 0

  constructor(log: Log, prefix: string) {
    this.log = log
    this.payments = topic(`${prefix}payments`, { key: string(), value: json<Payment>() })
    this.totals = topic(`${prefix}totals`, { key: string(), value: json<Total>() })
    this.changelog = `${prefix}app-totals-changelog`
    this.app = defineApp({
      id: `${prefix}app`,
      commitInterval: 100,
      build: (builder) => {
        builder
          .stream(this.payments)
          .groupByKey()
          .aggregate(
            (): Total => ({ count: 0, cents: 0 }),
            (total, payment) => ({ count: total.count + 1, cents: total.cents + payment.cents }),
            { store: 'totals', value: json<Total>() },
          )
          .toStream()
          .to(this.totals)
      },
    })
  }

  async createTopics(): Promise<void> {
    const names = [this.payments.name, this.totals.name]
    await this.log.createTopics(names.map((name) => ({ name, partitions: PARTITIONS })))
  }

  async pay(count: number): Promise<void> {
    await using writer = await TopicWriter.open(this.log, this.payments)
    for (const end = this.#paid + count; this.#paid < end; this.#paid++) {
      writer.write(`account-${this.#paid % ACCOUNTS}`, { cents: this.#paid }, { timestamp: this.#paid })
    }
    await writer.flush()
  }

  /** Returns the totals of everything that was paid. */
  expectedTotals(): Map<string, Total> {
    const all = new Map<string, Total>()
    for (let i = 0; i < this.#paid; i++) {
      const old = all.get(`account-${i % ACCOUNTS}`) ?? { count: 0, cents: 0 }
      all.set(`account-${i % ACCOUNTS}`, { count: old.count + 1, cents: old.cents + i })
    }
    return all
  }

  /** Returns the last totals in the output. */
  async shownTotals(): Promise<Map<string, Total>> {
    const shown = new Map<string, Total>()
    for await (const { key, value } of readTopic(this.log, this.totals, { until: 'end' })) {
      if (key !== null && value !== null) shown.set(key, value)
    }
    return shown
  }

  /** Resolves when the output counts every payment, and when the signal aborts. */
  async allShown(signal: AbortSignal): Promise<void> {
    const counts = new Map<string | null, number>()
    let shown = 0
    for await (const { key, value } of readTopic(this.log, this.totals, { signal })) {
      const count = value?.count ?? 0
      shown += count - (counts.get(key) ?? 0)
      counts.set(key, count)
      if (shown >= this.#paid) return
    }
  }

  /** Returns the end offsets of the changelog, by partition. */
  async changelogEnds(): Promise<number[]> {
    const partitions = Array.from({ length: PARTITIONS }, (_, partition) => ({ topic: this.changelog, partition }))
    const ends = await this.log.listOffsets(partitions, 'latest')
    return partitions.map(({ partition }) => ends.get(this.changelog, partition) ?? -1)
  }
}
