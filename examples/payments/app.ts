import { defineApp, json, string, tumbling } from 'millrace'
import type { KStream } from 'millrace'
import { describePayment } from './describe-payment.ts'
import { scorePayment } from './score-payment.ts'
import { accounts, frauds, payments, scores, volumes } from './topics.ts'
import type { AccountTotal, FraudAlert, Payment, Score, Volume } from './topics.ts'

/** An account that pays more often than this in a minute is suspicious. */
export const MOST_PAYMENTS_A_MINUTE = 60
/** Payments of so many cents and more are scored: the service wants money for each call. */
export const LARGE = 45_000

/** One side of a payment, as its account sees it. */
interface Booking {
  readonly sent: number
  readonly received: number
}

export default defineApp({
  id: 'payments',
  guarantee: 'exactly_once',
  build: (builder) => {
    const paid = builder.stream(payments)
    keepBooks(paid)
    scoreLargePayments(paid)
  },
})

/**
 * Calls the scoring service for each large payment: at least once each, with one result each, whatever happens. The
 * calls have a topic of their own, so that the books go on however slow the service is.
 */
function scoreLargePayments(paid: KStream<string, Payment>): void {
  paid
    .filter(({ cents }) => cents >= LARGE)
    .repartition({ name: 'large', key: string(), value: json<Payment>() })
    .mapValuesAsync(scorePayment, {
      store: 'scoring',
      concurrency: 32,
      timeout: '2s',
      retry: { attempts: 10, backoff: '50ms', maxBackoff: '1s' },
      // One payment of an account need not wait for the other.
      sameKey: 'concurrent',
      value: json<Score>(),
    })
    .to(scores)
}

/** Totals of accounts, volume a minute, fraud alerts. */
export function keepBooks(paid: KStream<string, Payment>): void {
  // Every payment touches two accounts, which live in different partitions: exactly-once keeps the sum of all
  // balances 0.
  paid
    .flatMap((payment): [string, Booking][] => [
      [payment.from, { sent: payment.cents, received: 0 }],
      [payment.to, { sent: 0, received: payment.cents }],
    ])
    .groupByKey({ name: 'bookings', key: string(), value: json<Booking>() })
    .aggregate((): AccountTotal => ({ sent: 0, received: 0, balance: 0, payments: 0 }), book, {
      store: 'accounts',
      value: json<AccountTotal>(),
    })
    .toStream()
    .to(accounts)

  paid
    .groupBy(() => 'all', { name: 'volume', key: string() })
    .windowedBy(tumbling('1m', { grace: '10s' }))
    .aggregate((): Volume => ({ payments: 0, cents: 0 }), addToVolume, {
      // The page shows the last minutes of it.
      store: { name: 'volume', retention: '1h' },
      value: json<Volume>(),
    })
    .toStream()
    .to(volumes)

  paid
    .groupByKey()
    .windowedBy(tumbling('1m', { grace: '10s' }))
    .aggregate((): FraudAlert => ({ payments: 0, cents: 0, last: '' }), addToSuspicion, {
      store: { name: 'payments-by-payer', retention: '10m' },
      value: json<FraudAlert>(),
    })
    .toStream()
    .filter((suspicion) => suspicion.payments > MOST_PAYMENTS_A_MINUTE)
    .to(frauds)
}

function book(total: AccountTotal, booking: Booking): AccountTotal {
  return {
    sent: total.sent + booking.sent,
    received: total.received + booking.received,
    balance: total.balance + booking.received - booking.sent,
    payments: total.payments + 1,
  }
}

function addToVolume(volume: Volume, payment: Payment): Volume {
  return { payments: volume.payments + 1, cents: volume.cents + payment.cents }
}

function addToSuspicion(suspicion: FraudAlert, payment: Payment): FraudAlert {
  return {
    payments: suspicion.payments + 1,
    cents: suspicion.cents + payment.cents,
    last: describePayment(payment),
  }
}
