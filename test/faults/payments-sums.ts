import { readTopic } from 'millrace'
import type { Log, ReadableTopic } from 'millrace'
import { expectedTotals, paymentGenerator } from '../../examples/payments/generator.ts'
import type { Bank } from '../../examples/payments/generator.ts'
import { LARGE } from '../../examples/payments/app.ts'
import { riskOf } from '../../examples/payments/scoring-service.ts'
import { accounts, payments, scores, volumes } from '../../examples/payments/topics.ts'
import type { AccountTotal, Volume } from '../../examples/payments/topics.ts'

const MINUTE = 60_000

/** What the application must have written in the end about the generator's first payments. */
export interface Books {
  readonly totals: ReadonlyMap<string, AccountTotal>
  /** Volumes by the start of the minute, in ms since the epoch. */
  readonly volumes: ReadonlyMap<number, Volume>
  /** The scores of each large payment, by its id. */
  readonly scores: ReadonlyMap<string, readonly number[]>
}

/** Computes the books from the generator alone. */
export function expectedBooks(bank: Bank, count: number): Books {
  const { record } = paymentGenerator(bank)
  const byMinute = new Map<number, Volume>()
  const risks = new Map<string, number[]>()
  for (let index = 0; index < count; index++) {
    const { value, timestamp } = record(index)
    const minute = timestamp - (timestamp % MINUTE)
    const before = byMinute.get(minute) ?? { payments: 0, cents: 0 }
    byMinute.set(minute, { payments: before.payments + 1, cents: before.cents + value.cents })
    if (value.cents >= LARGE) risks.set(value.id, [riskOf(value)])
  }
  return { totals: expectedTotals(bank, count), volumes: byMinute, scores: risks }
}

/** Reads the last value of each key from the application's output topics. */
export async function booksIn(log: Log): Promise<Books> {
  const byMinute = new Map<number, Volume>()
  for await (const { key, value } of readTopic(log, volumes, { until: 'end' })) {
    if (key !== null && value !== null) byMinute.set(key.start, value)
  }
  const risks = new Map<string, number[]>()
  for await (const { value } of readTopic(log, scores, { until: 'end' })) {
    if (value !== null) risks.set(value.id, [...(risks.get(value.id) ?? []), value.risk])
  }
  return { totals: await totalsIn(log, accounts), volumes: byMinute, scores: risks }
}

export async function totalsIn(log: Log, topic: typeof accounts): Promise<Map<string, AccountTotal>> {
  const totals = new Map<string, AccountTotal>()
  for await (const { key, value } of readTopic(log, topic, { until: 'end' })) {
    if (key !== null && value !== null) totals.set(key, value)
  }
  return totals
}

/** Resolves when the output topics count `count` payments and scores of `large` of them, or when the signal aborts. */
export async function booked(log: Log, count: number, large: number, signal: AbortSignal): Promise<void> {
  // Every payment is booked with two accounts.
  await reaches(log, accounts, 2 * count, signal)
  await reaches(log, volumes, count, signal)
  const scored = new Set<string>()
  if (large === 0) return
  for await (const { value } of readTopic(log, scores, { signal })) {
    if (value !== null && scored.add(value.id).size >= large) return
  }
}

/** Resolves when the latest values of all keys of a topic count `count` payments, or when the signal aborts. */
export async function reaches<K, V extends { readonly payments: number }>(
  log: Log,
  topic: ReadableTopic<K, V>,
  count: number,
  signal: AbortSignal,
): Promise<void> {
  const last = new Map<string, number>()
  let sum = 0
  if (count === 0) return
  for await (const { key, value } of readTopic(log, topic, { signal })) {
    if (value === null) continue
    sum += value.payments - (last.get(String(key)) ?? 0)
    last.set(String(key), value.payments)
    if (sum >= count) return
  }
}

/** Reads the indexes of the payments in the input topic, in ascending order. */
export async function paymentsIn(log: Log): Promise<number[]> {
  const indexes: number[] = []
  for await (const { value } of readTopic(log, payments, { until: 'end' })) indexes.push(Number(value?.id.slice(1)))
  return indexes.toSorted((a, b) => a - b)
}
