import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Windowed } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'
import app, { LARGE, MOST_PAYMENTS_A_MINUTE } from './app.ts'
import { describePayment, dollars } from './describe-payment.ts'
import { expectedTotals, paymentGenerator, START } from './generator.ts'
import { riskOf, startScoringService } from './scoring-service.ts'
import { accounts, frauds, payments, scores, volumes } from './topics.ts'
import type { Payment } from './topics.ts'

const BANK = { seed: 7, accounts: 20 }
const MINUTE = 60_000

let service: Awaited<ReturnType<typeof startScoringService>>
beforeAll(async () => {
  service = await startScoringService()
  vi.stubEnv('SCORING_URL', service.url)
})
afterAll(() => service.stop())

/** Lets the service be called again where it was busy, until it has scored so many payments. */
async function scored(driver: TopologyTestDriver, count: number): Promise<void> {
  for (;;) {
    await driver.settled()
    if (driver.output(scores).size >= count) return
    driver.advanceWallClock('1s')
  }
}

function isLarge({ cents }: Payment): boolean {
  return cents >= LARGE
}

function pay(from: string, to: string, cents: number): Payment {
  return { type: 'payment', id: `${from}-${to}-${cents}`, from, to, cents }
}

describe('payments', () => {
  test('a payment of $200 from Alice to Bob moves $200 from the one to the other', () => {
    using driver = new TopologyTestDriver(app)
    driver.input(payments).pipe('Alice', pay('Alice', 'Bob', 20_000), { timestamp: START })
    expect(driver.output(accounts).readMap()).toEqual(
      new Map([
        ['Alice', { sent: 20_000, received: 0, balance: -20_000, payments: 1 }],
        ['Bob', { sent: 0, received: 20_000, balance: 20_000, payments: 1 }],
      ]),
    )
  })

  test('totals are those that the generator says, and all balances add up to nothing', async () => {
    const count = 2000
    using driver = new TopologyTestDriver(app)
    const generator = paymentGenerator(BANK)
    const input = driver.input(payments)
    for (let index = 0; index < count; index++) {
      const { key, value, timestamp } = generator.record(index)
      input.pipe(key, value, { timestamp })
    }
    const large = Array.from({ length: count }, (_, index) => generator.record(index).value).filter(isLarge)
    await scored(driver, large.length)
    const totals = driver.output(accounts).readMap()
    expect(totals).toEqual(expectedTotals(BANK, count))
    expect([...totals.values()].reduce((sum, total) => sum + (total?.balance ?? Number.NaN), 0)).toBe(0)
  })

  test('volume counts everybody, minute by minute', () => {
    using driver = new TopologyTestDriver(app)
    const input = driver.input(payments)
    input.pipe('Alice', pay('Alice', 'Bob', 100), { timestamp: START })
    input.pipe('Carol', pay('Carol', 'Bob', 50), { timestamp: START + MINUTE - 1 })
    input.pipe('Alice', pay('Alice', 'Bob', 7), { timestamp: START + MINUTE })
    expect(driver.output(volumes).readKeyValues()).toEqual([
      [new Windowed('all', START, START + MINUTE), { payments: 1, cents: 100 }],
      [new Windowed('all', START, START + MINUTE), { payments: 2, cents: 150 }],
      [new Windowed('all', START + MINUTE, START + 2 * MINUTE), { payments: 1, cents: 7 }],
    ])
  })

  test('an account is reported from the first payment too many in a minute, and not in the next', () => {
    using driver = new TopologyTestDriver(app)
    const input = driver.input(payments)
    for (let i = 0; i < MOST_PAYMENTS_A_MINUTE; i++) {
      input.pipe('Mallory', pay('Mallory', 'Bob', 100), { timestamp: START + i })
    }
    const alerts = driver.output(frauds)
    expect(alerts.isEmpty).toBe(true)
    input.pipe('Mallory', pay('Mallory', 'Carol', 20_050), { timestamp: START + MINUTE - 1 })
    expect(alerts.readKeyValues()).toEqual([
      [
        new Windowed('Mallory', START, START + MINUTE),
        {
          payments: MOST_PAYMENTS_A_MINUTE + 1,
          cents: MOST_PAYMENTS_A_MINUTE * 100 + 20_050,
          last: 'Mallory made a payment of $200.50 to Carol',
        },
      ],
    ])
    input.pipe('Mallory', pay('Mallory', 'Bob', 100), { timestamp: START + MINUTE })
    expect(alerts.isEmpty).toBe(true)
  })

  test('a large payment has one score, that of the service, however often the service was busy', async () => {
    using driver = new TopologyTestDriver(app)
    const input = driver.input(payments)
    const paid = Array.from({ length: 50 }, (_, index) => ({
      ...pay('Alice', 'Bob', LARGE - 25 + index),
      id: `p${index}`,
    }))
    for (const payment of paid) input.pipe('Alice', payment, { timestamp: START })
    await scored(driver, 25)
    expect(driver.output(scores).readKeyValues()).toEqual(
      paid.filter(isLarge).map((payment) => ['Alice', { id: payment.id, cents: payment.cents, risk: riskOf(payment) }]),
    )
  })

  test('a payment that does not fit the schema stops the application at its place', () => {
    using driver = new TopologyTestDriver(app)
    expect(() => {
      driver.input(payments).pipeBytes(Buffer.from('Alice'), Buffer.from('{"type":"payment","cents":1.5}'))
    }).toThrow(expect.objectContaining({ code: 'MR_DESERIALIZE', topic: 'payments', offset: 0 }))
  })
})

test('payment i is the same payment whenever and wherever it is generated', () => {
  const forwards = Array.from({ length: 50 }, (_, index) => paymentGenerator(BANK).record(index))
  const generator = paymentGenerator(BANK)
  const backwards = Array.from({ length: 50 }, (_, index) => generator.record(49 - index)).toReversed()
  expect(backwards).toEqual(forwards)
  expect(paymentGenerator({ ...BANK, seed: 8 }).record(0)).not.toEqual(forwards[0])
})

test('nobody pays himself', () => {
  const generator = paymentGenerator({ seed: 3, accounts: 2 })
  for (let index = 0; index < 1000; index++) {
    const { from, to } = generator.record(index).value
    expect(from).not.toBe(to)
  }
})

test('a payment reads as a sentence', () => {
  expect(describePayment(pay('Alice', 'Bob', 20_000))).toBe('Alice made a payment of $200 to Bob')
  expect(dollars(123_450)).toBe('$1,234.50')
  expect(dollars(-300)).toBe('-$3')
  expect(dollars(100_000_000)).toBe('$1,000,000')
})
