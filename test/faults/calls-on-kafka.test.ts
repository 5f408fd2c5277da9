import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ProxiedBrokers } from './kit/brokers.ts'
import { runRound } from './rounds/round.ts'
import type { RunningBank } from './rounds/round.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-calls-on-kafka-'))
let brokers: ProxiedBrokers

beforeAll(async () => {
  brokers = await ProxiedBrokers.start(1)
})

afterAll(async () => {
  await brokers.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** `npm run faults -- --async` takes more rounds, and longer ones. */
test('results of a service that fails, hangs and drops calls come once each, in order, through kill -9', async () => {
  const killTwice = async ({ calls, strike }: RunningBank): Promise<void> => {
    for (const kind of ['kill', 'wipe'] as const) {
      const before = calls()
      while (calls() < before + 300) await sleep(20)
      await strike(kind)
    }
  }
  const result = await runRound(brokers, {
    seed: 1,
    guarantee: 'exactly_once',
    groupProtocol: 'streams',
    isAsync: true,
    faults: killTwice,
    directory,
  })
  const { lost, doubled, calls } = result
  if (lost > 0 || doubled > 0) expect.unreachable([...result.trace, ...result.examples].join('\n'))
  // One key for each thing that was called for, over all attempts and owners, and none for two.
  expect(calls?.wrong).toEqual([])
  expect(calls?.repeated).toBeGreaterThan(0)
  expect(Object.fromEntries(result.faults)).toEqual({ kill: 1, wipe: 1 })
}, 120_000)
