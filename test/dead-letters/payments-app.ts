import { defineApp, json, long, string, topic } from 'millrace'
import type { AppConfig } from 'millrace'
import { z } from 'zod'

const Payment = z.object({ cents: z.int() })

/** The topics and the application of a test, by names that begin with `prefix`. */
export function paymentsApp(prefix: string, config: Partial<AppConfig> = {}) {
  const payments = topic(`${prefix}payments`, { key: string(), value: json(Payment) })
  const totals = topic(`${prefix}totals`, { key: string(), value: long() })
  const rejected = `${prefix}rejected`
  const app = defineApp({
    id: `${prefix}totals-app`,
    commitInterval: 20,
    deadLetterTopic: rejected,
    build: (builder) => {
      builder
        .stream(payments)
        .mapValues(({ cents }) => {
          if (cents < 0) throw new RangeError('a negative payment')
          return cents
        })
        .to(totals)
    },
    ...config,
  })
  return { app, payments: payments.name, totals, rejected }
}
