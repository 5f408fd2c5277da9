import { AccountTotals } from './account-totals.ts'
import { BASE_TIME, payment, position, TRUCKS, vehicle } from './data.ts'
import { LastValues } from './last-values.ts'

/** A record of an input topic; the value is put in as JSON. */
export interface InputRecord {
  readonly key: string
  readonly value: object
  readonly timestamp: number
}

export interface Workload {
  readonly title: string
  /** Input topics with the same name hold the same records. */
  readonly input: string
  record(i: number): InputRecord
  /** The store whose changelog is counted. */
  readonly store: string | undefined
  readonly needsTable: boolean
  expectation(records: number): Expectation
}

/** The expected output of one run: takes every record of the output, in order, then says whether it is right. */
export interface Expectation {
  add(key: string, value: unknown): void
  /** What is wrong; undefined if nothing is. */
  fault(): string | undefined
}

export const vehicleTopic = 'bench-vehicles'

export function vehicleRecord(i: number): InputRecord {
  const value = vehicle(i)
  return { key: value.truck, value, timestamp: BASE_TIME - 3_600_000 }
}

function positionRecord(i: number): InputRecord {
  const value = position(i)
  return { key: value.truck, value, timestamp: value.ts }
}

export function payments(accounts: number): Pick<Workload, 'record' | 'expectation'> {
  return {
    record: (i) => {
      const value = payment(i, accounts)
      return { key: value.account, value, timestamp: value.ts }
    },
    expectation: (records) => AccountTotals.ofPayments(records, accounts),
  }
}

/** The program of W2 over so many accounts. */
export function totalsOf(accounts: number, title: string, input: string): Workload {
  return { ...payments(accounts), title, input, store: 'acc', needsTable: false }
}

function counts(records: number, keyOf: (i: number) => string): Expectation {
  const last = new LastValues<number>((a, b) => a === b)
  for (let i = 0; i < records; i++) {
    const key = keyOf(i)
    last.expected.set(key, (last.expected.get(key) ?? 0) + 1)
  }
  return last
}

const positions = { input: 'bench-positions', record: positionRecord, needsTable: false }

export const workloads: Readonly<Record<string, Workload>> = {
  w1: {
    ...positions,
    title: 'W1 stateless',
    store: undefined,
    expectation: (records) => {
      const all = new AllRecords(['truck', 'ts', 'lat', 'lon', 'mph', 'over'])
      for (let i = 0; i < records; i++) {
        const { truck, ts, lat, lon, speed } = position(i)
        if (speed < 50) continue
        all.expect(truck, { truck, ts, lat, lon, mph: Math.floor((speed * 621) / 1000), over: speed > 90 })
      }
      return all
    },
  },
  w2: totalsOf(10_000, 'W2 10 k accounts', 'bench-payments-10k'),
  w2big: totalsOf(1_000_000, 'W2 1 M accounts', 'bench-payments-1m'),
  w3: {
    ...positions,
    title: 'W3 windowed count',
    store: 'win',
    expectation: (records) =>
      counts(records, (i) => {
        const { truck, ts } = position(i)
        return `${truck}@${ts - (ts % 60_000)}`
      }),
  },
  w4: {
    ...positions,
    title: 'W4 stream-table join',
    store: undefined,
    needsTable: true,
    expectation: (records) => {
      const all = new AllRecords(['truck', 'ts', 'lat', 'lon', 'speed', 'fleet', 'capacity'])
      const vehicles = new Map(Array.from({ length: TRUCKS }, (_, i) => [`truck-${i}`, vehicle(i)]))
      for (let i = 0; i < records; i++) {
        const from = position(i)
        all.expect(from.truck, { ...vehicles.get(from.truck), ...from })
      }
      return all
    },
  },
  w5: {
    ...positions,
    title: 'W5 repartition',
    store: 'cnt',
    expectation: (records) => counts(records, (i) => position(i).driver),
  },
}

/** Right if the records are the expected ones, in whatever order: compared by number and by two sums of hashes. */
class AllRecords implements Expectation {
  readonly #fields: readonly string[]
  readonly #expected = { records: 0, first: 0, second: 0 }
  readonly #found = { records: 0, first: 0, second: 0 }

  constructor(fields: readonly string[]) {
    this.#fields = fields
  }

  expect(key: string, value: object): void {
    this.#count(this.#expected, key, value)
  }

  add(key: string, value: unknown): void {
    if (typeof value === 'object' && value !== null) this.#count(this.#found, key, value)
  }

  fault(): string | undefined {
    const { records, first, second } = this.#expected
    const found = this.#found
    if (found.records !== records) return `${found.records} records, should be ${records}`
    return found.first === first && found.second === second ? undefined : 'the records differ from the expected ones'
  }

  #count(sums: { records: number; first: number; second: number }, key: string, value: object): void {
    const fields = new Map<string, unknown>(Object.entries(value))
    let text = key
    for (const field of this.#fields) text += `|${String(fields.get(field))}`
    sums.records++
    sums.first = (sums.first + hashOf(text, 0x811c9dc5)) >>> 0
    sums.second = (sums.second + hashOf(text, 0x2f0b4a27)) >>> 0
  }
}

/** FNV-1a with a seed, mixed once more at the end. */
function hashOf(text: string, seed: number): number {
  let x = seed
  for (let i = 0; i < text.length; i++) x = Math.imul(x ^ text.charCodeAt(i), 0x01000193)
  return Math.imul(x ^ (x >>> 15), 0x846ca68b) >>> 0
}
