import { defineApp, json, string, topic, tumbling, windowed } from 'millrace'
import type { Application, Guarantee } from 'millrace'
import { Payment } from '../../../examples/payments/topics.ts'
import { checkPayments } from './checks.ts'
import type { Checked, CheckSettings } from './checks.ts'

export const PARTITIONS = 4

/** The application that a process runs, and how. */
export interface BankSettings {
  /** The prefix of all names: rounds can share brokers. */
  readonly prefix: string
  readonly guarantee: Guarantee
  readonly standbyReplicas: number
  /** Threads of each process; several are workers. */
  readonly threads: number
  /** Undefined: no service is called. */
  readonly checks: CheckSettings | undefined
}

export interface Total {
  readonly payments: number
  readonly balance: number
}

export interface NamedPayment {
  readonly id: string
  readonly owner: string
}

interface Booking {
  readonly cents: number
}

export type BankTopics = ReturnType<typeof bankTopics>

export function bankTopics(prefix: string) {
  return {
    /** Input, by paying account. */
    payments: topic(`${prefix}payments`, { key: string(), value: json(Payment) }),
    /** Input: the owner of each account. A table. */
    owners: topic(`${prefix}owners`, { key: string(), value: string(), tombstones: true }),
    /** Output, by account. */
    totals: topic(`${prefix}totals`, { key: string(), value: json<Total>() }),
    /** Output: payments by payer and minute. */
    minutes: topic(`${prefix}minutes`, { key: windowed(string(), '1m'), value: json<number>() }),
    /** Output: one record for each payment. */
    named: topic(`${prefix}named`, { key: string(), value: json<NamedPayment>() }),
    /** Output, if a service is called: one record for each check of each payment. */
    checked: topic(`${prefix}checked`, { key: string(), value: json<Checked>() }),
  }
}

/**
 * An application with a repartition and an aggregate after it, a windowed count, a stream-table join and, where it is
 * asked for, calls of a service. Its output does not depend on the order of partitions: no window closes, and the table
 * is complete before the first payment.
 */
export function bankApp(settings: BankSettings): Application {
  const { prefix, guarantee, standbyReplicas, threads, checks } = settings
  const topics = bankTopics(prefix)
  return defineApp({
    id: `${prefix}bank`,
    guarantee,
    standbyReplicas,
    threads,
    commitInterval: '100ms',
    build: (builder) => {
      const paid = builder.stream(topics.payments)
      paid
        .flatMap((payment): [string, Booking][] => [
          [payment.from, { cents: -payment.cents }],
          [payment.to, { cents: payment.cents }],
        ])
        .groupByKey({ name: 'bookings', key: string(), value: json<Booking>() })
        .aggregate(
          (): Total => ({ payments: 0, balance: 0 }),
          ({ payments, balance }, { cents }) => ({ payments: payments + 1, balance: balance + cents }),
          { store: 'totals', value: json<Total>() },
        )
        .toStream()
        .to(topics.totals)
      paid
        .groupByKey()
        .windowedBy(tumbling('1m', { grace: '1d' }))
        .aggregate(
          () => 0,
          (count) => count + 1,
          { store: 'minutes', value: json<number>() },
        )
        .toStream()
        .to(topics.minutes)
      paid
        .join(builder.table(topics.owners, { store: 'owners' }), ({ id }, owner): NamedPayment => ({ id, owner }))
        .to(topics.named)
      if (checks !== undefined) checkPayments(paid, topics.checked, checks)
    },
  })
}
