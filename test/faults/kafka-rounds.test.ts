import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ProxiedBrokers } from './kit/brokers.ts'
import { runQueryRound } from './queries/round.ts'
import { runConnectRound } from './connect/round.ts'
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

/** `npm run queries` takes all faults, both group protocols and several threads. */
test('any instance answers what a store was at the position of the answer, through cuts and kill -9', async () => {
  const { tally, complaints, trace } = await runQueryRound(brokers, {
    seed: 1,
    groupProtocol: 'streams',
    threads: 1,
    faults: ['cut', 'kill'],
    directory,
  })
  const { wrong, nulls, late, examples } = tally
  if (wrong + nulls + late + complaints.length > 0)
    expect.unreachable([...trace, ...examples, ...complaints].join('\n'))
  expect(tally.hops).toBeGreaterThan(200)
}, 120_000)

/** `npm run faults -- connect` takes all faults, and the embedded log. */
test('connectors on Kafka lose and double nothing, through kill -9 and an instance that was frozen', async () => {
  const { lost, doubled, records, trace } = await runConnectRound({
    seed: 1,
    brokers,
    faults: ['kill', 'zombie'],
    directory,
  })
  if (lost > 0 || doubled > 0) expect.unreachable(trace.join('\n'))
  expect(records).toBeGreaterThan(1000)
}, 120_000)
