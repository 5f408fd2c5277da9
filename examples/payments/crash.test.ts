import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { chooseEngine, embeddedLog, readTopic, Streams } from 'millrace'
import type { Log } from 'millrace'
import app, { LARGE } from './app.ts'
import { expectedTotals, paymentGenerator } from './generator.ts'
import { riskOf, startScoringService } from './scoring-service.ts'
import { accounts, payments, scores } from './topics.ts'
import type { AccountTotal, Score } from './topics.ts'

const data = mkdtempSync(join(tmpdir(), 'millrace-payments-'))
afterAll(() => rmSync(data, { recursive: true, force: true }))

const BANK = { seed: 42, accounts: 40 }
const ROUNDS = 3

/** Runs the whole demo until it has shown that it got on, and kills it. */
async function runAndKill(): Promise<void> {
  const child = spawn(
    process.execPath,
    [
      '--conditions=millrace-source',
      join(import.meta.dirname, 'main.ts'),
      '--data',
      data,
      '--rate',
      '5000',
      '--seed',
      '42',
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, NODE_OPTIONS: '' } },
  )
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()))
  const closed = new Promise((resolve) => child.on('close', resolve))
  await Promise.race([
    new Promise<void>((resolve) =>
      child.stdout.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('payments: ')) resolve()
      }),
    ),
    closed.then(() => Promise.reject(new Error(`ended by itself:\n${errors}`))),
  ])
  child.kill('SIGKILL')
  await closed
}

async function paymentIds(log: Log): Promise<string[]> {
  const ids: string[] = []
  for await (const { value } of readTopic(log, payments, { until: 'end' })) ids.push(value?.id ?? '')
  return ids
}

/** The totals once every payment has been booked on both sides. */
async function totalsAfter(log: Log, count: number): Promise<Map<string, AccountTotal>> {
  const totals = new Map<string, AccountTotal>()
  let booked = 0
  for await (const { key, value } of readTopic(log, accounts)) {
    if (key === null || value === null) continue
    booked += value.payments - (totals.get(key)?.payments ?? 0)
    totals.set(key, value)
    if (booked >= 2 * count) break
  }
  return totals
}

/** The scores of the first `count` payments, in the order of the payments. */
function expectedScores(count: number): Score[] {
  const { record } = paymentGenerator(BANK)
  return Array.from({ length: count }, (_, index) => record(index).value)
    .filter(({ cents }) => cents >= LARGE)
    .map((payment) => ({ id: payment.id, cents: payment.cents, risk: riskOf(payment) }))
}

/** Waits for the scores that are still missing. Returns all there are in the end, in the order of the payments. */
async function scoresAfter(log: Log, count: number): Promise<Score[]> {
  const missing = new Set(expectedScores(count).map(({ id }) => id))
  const found: Score[] = []
  if (missing.size > 0) {
    for await (const { value } of readTopic(log, scores)) {
      if (value !== null) missing.delete(value.id)
      if (missing.size === 0) break
    }
  }
  for await (const { value } of readTopic(log, scores, { until: 'end' })) if (value !== null) found.push(value)
  return found.toSorted((a, b) => Number(a.id.slice(1)) - Number(b.id.slice(1)))
}

test('after kill -9, again and again, every payment was made and booked once and, if large, scored once', async () => {
  for (let round = 0; round < ROUNDS; round++) await runAndKill()

  const service = await startScoringService()
  vi.stubEnv('SCORING_URL', service.url)
  const log = await embeddedLog({ directory: join(data, 'log') })
  try {
    const ids = await paymentIds(log)
    expect(ids.length).toBeGreaterThan(0)
    expect(ids.toSorted()).toEqual(Array.from({ length: ids.length }, (_, index) => `p${index}`).toSorted())

    const { factory: engine } = await chooseEngine()
    await using _streams = await Streams.start(app, { log, engine, stateDirectory: join(data, 'state') })
    expect(await totalsAfter(log, ids.length)).toEqual(expectedTotals(BANK, ids.length))
    expect(await scoresAfter(log, ids.length)).toEqual(expectedScores(ids.length))
  } finally {
    await log.close()
    await service.stop()
    vi.unstubAllEnvs()
  }
})
