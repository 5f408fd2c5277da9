import { readTopic } from 'millrace'
import type { Log, ReadOnlyTimestampedKeyValueStore, ReadOnlyWindowStore, Streams } from 'millrace'
import { accountName, paymentGenerator, START } from '../../../examples/payments/generator.ts'
import type { Bank } from '../../../examples/payments/generator.ts'
import type { Generator } from '../../../examples/kit/generator.ts'
import type { Payment } from '../../../examples/payments/topics.ts'
import type { BankTopics, Total } from './app.ts'
import { CHECKS, riskOf } from './checks.ts'
import type { Checked } from './checks.ts'

const MINUTE = 60_000

/** What outputs or stores contain about the payments. */
export interface Books {
  /** How often each payment was named, by its id and its payer's owner. Undefined for stores, which do not know. */
  readonly named: ReadonlyMap<string, number> | undefined
  readonly totals: ReadonlyMap<string, Total>
  /** Payments by payer and start of the minute. */
  readonly minutes: ReadonlyMap<string, number>
  /** How often each answer of the service came, by what it was about. Stores do not know. */
  readonly checked: ReadonlyMap<string, number> | undefined
  /** Answers of the service by payer. Outputs do not tell. */
  readonly checks: ReadonlyMap<string, number> | undefined
}

/** The difference of books from what they should be, in payments. */
export interface Difference {
  readonly lost: number
  readonly doubled: number
  readonly examples: readonly string[]
}

export interface DatedBank extends Bank {
  /** Event time of the first payment. If it is too old, brokers delete the changelog records of its window. */
  readonly start: number
}

export function bankGenerator(bank: DatedBank, topics: BankTopics): Generator<string, Payment> {
  const { record } = paymentGenerator(bank)
  return {
    topic: topics.payments,
    record: (index) => {
      const { key, value, timestamp } = record(index)
      return { key, value, timestamp: timestamp - START + bank.start }
    },
  }
}

export function ownersOf({ accounts }: Bank): Map<string, string> {
  return new Map(
    Array.from({ length: accounts }, (_, index) => [accountName(index), `the owner of ${accountName(index)}`]),
  )
}

/** Computes the books of the first payments from the generator alone. */
export function expectedBooks(bank: DatedBank, topics: BankTopics, count: number, isChecked: boolean): Books {
  const { record } = bankGenerator(bank, topics)
  const owners = ownersOf(bank)
  const checked = new Map<string, number>()
  const checks = new Map<string, number>()
  const named = new Map<string, number>()
  const totals = new Map<string, Total>()
  const minutes = new Map<string, number>()
  const book = (account: string, cents: number): void => {
    const { payments, balance } = totals.get(account) ?? { payments: 0, balance: 0 }
    totals.set(account, { payments: payments + 1, balance: balance + cents })
  }
  for (let index = 0; index < count; index++) {
    const { value, timestamp } = record(index)
    add(named, `${value.id} of ${owners.get(value.from)}`)
    add(minutes, `${value.from} @${timestamp - (timestamp % MINUTE)}`)
    book(value.from, -value.cents)
    book(value.to, value.cents)
    for (const check of isChecked ? CHECKS : []) {
      const { id } = value
      add(checked, answerOf({ id, check, risk: riskOf({ id, check }) }))
      add(checks, value.from)
    }
  }
  return { named, totals, minutes, checked, checks }
}

/** `p17 payer risk 12` */
function answerOf({ id, check, risk }: Checked): string {
  return `${id} ${check} risk ${risk}`
}

/** Reads the last value of each key from the output topics, committed records only. */
export async function booksInTopics(log: Log, topics: BankTopics): Promise<Books> {
  const named = new Map<string, number>()
  for await (const { value } of readTopic(log, topics.named, { until: 'end' }))
    add(named, `${value?.id} of ${value?.owner}`)
  const totals = new Map<string, Total>()
  for await (const { key, value } of readTopic(log, topics.totals, { until: 'end' })) {
    if (key !== null && value !== null) totals.set(key, value)
  }
  const minutes = new Map<string, number>()
  for await (const { key, value } of readTopic(log, topics.minutes, { until: 'end' })) {
    if (key !== null && value !== null) minutes.set(`${key.key} @${key.start}`, value)
  }
  const checked = new Map<string, number>()
  for await (const { value } of readTopic(log, topics.checked, { until: 'end' }))
    add(checked, value === null ? 'none' : answerOf(value))
  return { named, totals, minutes, checked, checks: undefined }
}

export function booksInStores(streams: Streams, isChecked: boolean): Books {
  const totals = new Map<string, Total>()
  for (const store of streams.stores<ReadOnlyTimestampedKeyValueStore<string, Total>>('totals')) {
    for (const { key, value } of store.all()) totals.set(key, value.value)
  }
  const minutes = new Map<string, number>()
  for (const store of streams.stores<ReadOnlyWindowStore<string, number>>('minutes')) {
    for (const { key, start, value } of store.all()) minutes.set(`${key} @${start}`, value)
  }
  const checks = new Map<string, number>()
  for (const store of isChecked ? streams.stores<ReadOnlyTimestampedKeyValueStore<string, number>>('checks') : []) {
    for (const { key, value } of store.all()) checks.set(key, value.value)
  }
  return { named: undefined, totals, minutes, checked: undefined, checks }
}

/** Answers of the service that came before one that should have come before them, in one partition or for one payer. */
export async function disorderOf(log: Log, topics: BankTopics, by: 'partition' | 'payer'): Promise<readonly string[]> {
  const found: string[] = []
  const last = new Map<unknown, { readonly place: number; readonly answer: string }>()
  for await (const { key, value, partition } of readTopic(log, topics.checked, { until: 'end' })) {
    if (value === null) continue
    const group = by === 'partition' ? partition : key
    const place = Number(value.id.slice(1)) * CHECKS.length + CHECKS.findIndex((check) => check === value.check)
    const answer = answerOf(value)
    const before = last.get(group)
    if (before !== undefined && before.place > place) found.push(`${answer} came after ${before.answer}`)
    last.set(group, { place, answer })
  }
  return found
}

export function ownersInStores(streams: Streams): Map<string, string> {
  const owners = new Map<string, string>()
  for (const store of streams.stores<ReadOnlyTimestampedKeyValueStore<string, string>>('owners')) {
    for (const { key, value } of store.all()) owners.set(key, value.value)
  }
  return owners
}

/** Finds the generator's payments that the input topic lacks or has more than once. */
export async function inputDifference(log: Log, topics: BankTopics, count: number): Promise<Difference> {
  const found = new Map<string, number>()
  for await (const { value } of readTopic(log, topics.payments, { until: 'end' })) add(found, value?.id ?? 'none')
  const expected = new Map(Array.from({ length: count }, (_, index) => [`p${index}`, 1]))
  return difference('input', expected, found)
}

export function booksDifference(where: string, expected: Books, found: Books): Difference {
  const parts = [
    difference(`${where}: totals`, paymentsOf(expected.totals), paymentsOf(found.totals)),
    difference(`${where}: minutes`, expected.minutes, found.minutes),
    wrongBalances(`${where}: balances`, expected.totals, found.totals),
  ]
  for (const part of ['named', 'checked', 'checks'] as const) {
    const [wanted, had] = [expected[part], found[part]]
    if (wanted !== undefined && had !== undefined) parts.push(difference(`${where}: ${part}`, wanted, had))
  }
  return sum(parts)
}

export function sum(parts: readonly Difference[]): Difference {
  return {
    lost: parts.reduce((all, { lost }) => all + lost, 0),
    doubled: parts.reduce((all, { doubled }) => all + doubled, 0),
    examples: parts.flatMap(({ examples }) => examples),
  }
}

const SHOWN = 5

function difference(
  where: string,
  expected: ReadonlyMap<string, number>,
  found: ReadonlyMap<string, number>,
): Difference {
  let lost = 0
  let doubled = 0
  const examples: string[] = []
  for (const key of new Set([...expected.keys(), ...found.keys()])) {
    const more = (found.get(key) ?? 0) - (expected.get(key) ?? 0)
    if (more === 0) continue
    if (more < 0) lost -= more
    else doubled += more
    if (examples.length < SHOWN) examples.push(`${where}: ${key}: ${found.get(key) ?? 0} not ${expected.get(key) ?? 0}`)
  }
  return { lost, doubled, examples }
}

/** Finds accounts with the right number of payments but wrong balances: one was lost and another one doubled. */
function wrongBalances(
  where: string,
  expected: ReadonlyMap<string, Total>,
  found: ReadonlyMap<string, Total>,
): Difference {
  const examples: string[] = []
  for (const [account, { payments, balance }] of expected) {
    const total = found.get(account)
    if (total?.payments === payments && total.balance !== balance)
      examples.push(`${where}: ${account}: ${total.balance} not ${balance}`)
  }
  return { lost: examples.length, doubled: examples.length, examples: examples.slice(0, SHOWN) }
}

function paymentsOf(totals: ReadonlyMap<string, Total>): Map<string, number> {
  return new Map(Array.from(totals, ([account, { payments }]) => [account, payments]))
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
