import { defineApp, json, string, topic } from 'millrace'

export interface Payment {
  readonly cents: number
}

export interface Total {
  readonly count: number
  readonly cents: number
}

export const payments = topic('payments', { key: string(), value: json<Payment>() })
export const totals = topic('totals', { key: string(), value: json<Total>() })

export default defineApp({
  id: 'payment-totals',
  guarantee: 'exactly_once',
  standbyReplicas: 1,
  strictNaming: true,
  build: (builder) => {
    builder
      .stream(payments)
      .groupByKey()
      .aggregate(
        (): Total => ({ count: 0, cents: 0 }),
        ({ count, cents }, payment) => ({ count: count + 1, cents: cents + payment.cents }),
        { store: 'totals', value: json<Total>() },
      )
      .toStream()
      .to(totals)
  },
})
