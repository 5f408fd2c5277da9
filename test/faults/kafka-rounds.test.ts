import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ProxiedBrokers } from './rounds/brokers.ts'
import { runRound } from './rounds/round.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-kafka-rounds-'))
let brokers: ProxiedBrokers

beforeAll(async () => {
  brokers = await ProxiedBrokers.start(1)
})

afterAll(async () => {
  await brokers.stop()
  rmSync(directory, { recursive: true, force: true })
})

/** A few short rounds. `npm run faults` runs more of them, and longer ones. */
test.each([
  { seed: 1, groupProtocol: 'streams' },
  { seed: 2, groupProtocol: 'classic' },
  { seed: 3, groupProtocol: 'streams' },
  { seed: 4, groupProtocol: 'classic' },
  { seed: 5, groupProtocol: 'streams' },
] as const)(
  'exactly once on Kafka, whatever happens to processes and responses: seed $seed, $groupProtocol groups',
  async (round) => {
    const result = await runRound(brokers, { ...round, guarantee: 'exactly_once', faults: 2, directory })
    const { lost, doubled, payments } = result
    if (lost > 0 || doubled > 0) expect.unreachable([...result.trace, ...result.examples].join('\n'))
    expect(payments).toBeGreaterThan(500)
  },
  180_000,
)
