import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { embeddedLog, Streams } from 'millrace'
import app from '../../examples/payments/app.ts'
import { randomAt } from '../../examples/kit/random.ts'
import { startScoringService } from '../../examples/payments/scoring-service.ts'
import { PaymentsProcess } from './payments-process.ts'
import { booked, booksIn, expectedBooks, paymentsIn } from './payments-sums.ts'

const data = mkdtempSync(join(tmpdir(), 'millrace-embedded-kill-'))
afterAll(() => rmSync(data, { recursive: true, force: true }))

const BANK = { seed: 20, accounts: 40 }
const KILLS = 20
/** Milliseconds that a process lives at most. Many die while they open the log, restore or join. */
const LONGEST_LIFE = 1600

test(`after ${KILLS} kills every payment was made and counted once and, if large, scored once`, async () => {
  for (let kill = 0; kill < KILLS; kill++) {
    const example = new PaymentsProcess({ data, seed: BANK.seed, rate: 5000 })
    // Some processes get to work however slow the machine is.
    if (kill % 5 === 0) await example.shows()
    await example.killAfter(randomAt(BANK.seed, kill, 0) * LONGEST_LIFE)
  }

  const service = await startScoringService()
  const log = await embeddedLog({ directory: join(data, 'log') })
  try {
    const made = await paymentsIn(log)
    expect(made.length).toBeGreaterThan(KILLS)
    expect(made).toEqual(Array.from(made, (_, index) => index))

    const expected = expectedBooks(BANK, made.length)
    vi.stubEnv('SCORING_URL', service.url)
    const streams = await Streams.start(app, { log, stateDirectory: join(data, 'state') })
    await booked(log, made.length, expected.scores.size, AbortSignal.timeout(150_000))
    await streams.close()
    expect(await booksIn(log)).toEqual(expected)
  } finally {
    await log.close()
    await service.stop()
    vi.unstubAllEnvs()
  }
}, 300_000)
