import type { CallContext } from 'millrace'
import type { Payment, Score } from './topics.ts'

/** Asks the scoring service about a payment. It finds the service in the environment, by `SCORING_URL`. */
export async function scorePayment(
  payment: Payment,
  _payer: string,
  { signal, idempotencyKey }: CallContext,
): Promise<Score> {
  const url = process.env['SCORING_URL']
  if (url === undefined) throw new Error('SCORING_URL, the address of the scoring service, is not set')
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': idempotencyKey },
    body: JSON.stringify(payment),
    signal,
  })
  if (!response.ok) throw new Error(`the scoring service answered ${response.status}`)
  const { risk } = (await response.json()) as { readonly risk: number }
  return { id: payment.id, cents: payment.cents, risk }
}
