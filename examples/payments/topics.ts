import { json, string, topic, windowed } from 'millrace'
import { z } from 'zod'

/** "Alice made a payment of $200 to Bob." Money is in cents: whole numbers, so that sums are exact. */
export const Payment = z.object({
  type: z.literal('payment'),
  id: z.string(),
  from: z.string(),
  to: z.string(),
  cents: z.int().positive(),
})
export type Payment = z.output<typeof Payment>

export interface AccountTotal {
  readonly sent: number
  readonly received: number
  readonly balance: number
  readonly payments: number
}

export interface Volume {
  readonly payments: number
  readonly cents: number
}

export interface FraudAlert {
  readonly payments: number
  readonly cents: number
  readonly last: string
}

/** What the scoring service says of a large payment. */
export interface Score {
  readonly id: string
  readonly cents: number
  /** From 0 to 100. */
  readonly risk: number
}

/** Input, by paying account. */
export const payments = topic('payments', { key: string(), value: json(Payment) })

/** Output, by account. */
export const accounts = topic('account-totals', { key: string(), value: json<AccountTotal>() })
/** Output, by minute; the key is `all`. */
export const volumes = topic('payment-volume', { key: windowed(string(), '1m'), value: json<Volume>() })
/** Output, by account and minute: the latest state of every minute that is suspicious. */
export const frauds = topic('fraud-alerts', { key: windowed(string(), '1m'), value: json<FraudAlert>() })
/** Output, by paying account: one record for each large payment. */
export const scores = topic('payment-scores', { key: string(), value: json<Score>() })
