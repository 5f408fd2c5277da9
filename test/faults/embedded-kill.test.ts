import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { embeddedLog, Streams } from 'millrace'
import app from '../../examples/payments/app.ts'
import { randomAt } from '../../examples/kit/random.ts'
import { PaymentsProcess } from './payments-process.ts'
import { booked, booksIn, expectedBooks, paymentsIn } from './payments-sums.ts'

const data = mkdtempSync(join(tmpdir(), 'millrace-embedded-kill-'))
afterAll(() => rmSync(data, { recursive: true, force: true }))

const BANK = { seed: 20, accounts: 40 }
const KILLS = 20
/** Milliseconds that a process lives at most. Many die while they open the log, restore or join. */
const LONGEST_LIFE = 1600

test(`after ${KILLS} kills at any moment every payment was made once and counted once`, async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    const example = new PaymentsProcess({ data, seed: BANK.seed, rate: 5000 })
    // Some processes get to work however slow the machine is.
    if (kill % 5 === 0) await example.shows()
    await example.killAfter(randomAt(BANK.seed, kill, 0) * LONGEST_LIFE)
  }

  const log = await embeddedLog({ directory: join(data, 'log') })
  try {
    const made = await paymentsIn(log)
    expect(made.length).toBeGreaterThan(KILLS)
    expect(made).toEqual(Array.from(made, (_, index) => index))

    const streams = await Streams.start(app, { log, stateDirectory: join(data, 'state') })
    await booked(log, made.length, AbortSignal.timeout(60_000))
    await streams.close()
    expect(await booksIn(log)).toEqual(expectedBooks(BANK, made.length))
  } finally {
    await log.close()
  }
}, 240_000)
