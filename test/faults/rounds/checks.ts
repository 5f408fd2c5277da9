import { json } from 'millrace'
import type { CallContext, KStream, Topic } from 'millrace'
import type { Payment } from '../../../examples/payments/topics.ts'

/** What is checked of each payment: one record brings that many calls. */
export const CHECKS = ['amount', 'payer', 'payee'] as const

export interface Check {
  readonly id: string
  readonly check: string
}

export interface Checked extends Check {
  readonly risk: number
}

/** How payments are checked by a service. */
export interface CheckSettings {
  readonly url: string
  readonly emit: 'in-order' | 'as-completed'
  readonly sameKey: 'serial' | 'concurrent'
}

/** Calls a service for every check of every payment, and counts its answers by payer. */
export function checkPayments(
  paid: KStream<string, Payment>,
  topic: Topic<string, Checked>,
  { url, ...order }: CheckSettings,
): void {
  const checked = paid
    .flatMapValues(({ id }): Check[] => CHECKS.map((check) => ({ id, check })))
    .mapValuesAsync((check, _payer, context) => ask(url, check, context), {
      store: 'checking',
      inputValue: json<Check>(),
      value: json<Checked>(),
      concurrency: 32,
      timeout: '2s',
      retry: { attempts: 20, backoff: '20ms', maxBackoff: '500ms' },
      ...order,
    })
  checked.to(topic)
  checked.groupByKey().count({ store: 'checks' })
}

async function ask(url: string, check: Check, { signal, idempotencyKey }: CallContext): Promise<Checked> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'idempotency-key': idempotencyKey },
    body: JSON.stringify(check),
    signal,
  })
  if (!response.ok) throw new Error(`the service answered ${response.status}: ${await response.text()}`)
  const { risk } = (await response.json()) as { risk: number }
  return { ...check, risk }
}

/** What the service has to answer. */
export function riskOf({ id, check }: Check): number {
  let risk = 0
  for (const character of `${check} ${id}`) risk = (risk * 31 + character.charCodeAt(0)) % 1000
  return risk
}
