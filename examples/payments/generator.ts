import { randomAt } from '../kit/random.ts'
import type { Generator } from '../kit/generator.ts'
import { payments } from './topics.ts'
import type { AccountTotal, Payment } from './topics.ts'

export interface Bank {
  readonly seed: number
  readonly accounts: number
}

/** Event time of the first payment. */
export const START = Date.UTC(2026, 0, 1, 9)
/** Milliseconds of event time between two payments. */
export const INTERVAL = 40

/** One payment in so many belongs to a burst of the account that happens to be a fraudster's just then. */
const BURST = 4
/** Payments that one fraudster goes on for. */
const BURST_LENGTH = 400

const NAMES = ['Alice', 'Bob', 'Carol', 'Dave', 'Erin', 'Frank', 'Grace', 'Heidi', 'Ivan', 'Judy', 'Mallory', 'Niaj']

const FROM = 0
const TO = 1
const AMOUNT = 2
const IN_BURST = 3
const FRAUDSTER = 4

/** `Alice`, `Bob`, … `Niaj`, `Alice 2`, … */
export function accountName(account: number): string {
  const name = NAMES[account % NAMES.length] ?? ''
  const round = Math.floor(account / NAMES.length)
  return round === 0 ? name : `${name} ${round + 1}`
}

export function paymentGenerator(bank: Bank): Generator<string, Payment> {
  return {
    topic: payments,
    record: (index) => {
      const value = paymentAt(bank, index)
      return { key: value.from, value, timestamp: START + index * INTERVAL }
    },
  }
}

function paymentAt({ seed, accounts }: Bank, index: number): Payment {
  const inBurst = randomAt(seed, index, IN_BURST) < 1 / BURST
  const from = inBurst
    ? Math.floor(randomAt(seed, Math.floor(index / BURST_LENGTH), FRAUDSTER) * accounts)
    : Math.floor(randomAt(seed, index, FROM) * accounts)
  // Anybody but the payer.
  const to = (from + 1 + Math.floor(randomAt(seed, index, TO) * (accounts - 1))) % accounts
  return {
    type: 'payment',
    id: `p${index}`,
    from: accountName(from),
    to: accountName(to),
    cents: 100 + Math.floor(randomAt(seed, index, AMOUNT) * 50_000),
  }
}

/** What the totals of the first `count` payments must be. */
export function expectedTotals(bank: Bank, count: number): Map<string, AccountTotal> {
  const totals = new Map<string, AccountTotal>()
  const book = (account: string, sent: number, received: number): void => {
    const old = totals.get(account) ?? { sent: 0, received: 0, balance: 0, payments: 0 }
    totals.set(account, {
      sent: old.sent + sent,
      received: old.received + received,
      balance: old.balance + received - sent,
      payments: old.payments + 1,
    })
  }
  for (let index = 0; index < count; index++) {
    const { from, to, cents } = paymentAt(bank, index)
    book(from, cents, 0)
    book(to, 0, cents)
  }
  return totals
}
