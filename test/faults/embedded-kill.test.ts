import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test, vi } from 'vitest'
import { embeddedLog, Streams, type Log, type TopicPartition } from 'millrace'
import app from '../../examples/payments/app.ts'
import { randomAt } from '../../examples/kit/random.ts'
import { startScoringService } from '../../examples/payments/scoring-service.ts'
import { totalOf } from '../metrics/total.ts'
import { PaymentsProcess } from './payments-process.ts'
import { booked, booksIn, expectedBooks, paymentsIn } from './payments-sums.ts'

const data = mkdtempSync(join(tmpdir(), 'millrace-embedded-kill-'))
afterAll(() => rmSync(data, { recursive: true, force: true }))

const BANK = { seed: 20, accounts: 40 }
const KILLS = 20
/** Milliseconds that a process lives at most. Many die while they open the log, restore or join. */
const LONGEST_LIFE = 1600

test(`after ${KILLS} kills payments are made, counted and scored once, and metrics count what was left`, async () => {
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
    const before = await offsetsIn(log)
    const streams = await Streams.start(app, { log, stateDirectory: join(data, 'state') })
    await booked(log, made.length, expected.scores.size, AbortSignal.timeout(150_000))
    await streams.close()
    expect(await booksIn(log)).toEqual(expected)
    const after = await offsetsIn(log)
    expect(before.committed).toBeLessThan(after.inputs)
    expect({
      processed: totalOf(streams, 'millrace_records_processed_total'),
      written: totalOf(streams, 'millrace_records_written_total'),
      dropped: totalOf(streams, 'millrace_records_dropped_total'),
    }).toEqual({ processed: after.inputs - before.committed, written: after.outputs - before.outputs, dropped: 0 })
  } finally {
    await log.close()
    await service.stop()
    vi.unstubAllEnvs()
  }
}, 300_000)

/** Sums of offsets over all partitions: what the application has committed, and where its topics end. */
async function offsetsIn(log: Log): Promise<Record<'committed' | 'inputs' | 'outputs', number>> {
  const nodes = app.topology().subtopologies.flatMap((subtopology) => subtopology.nodes)
  const named = (topic: string, internal: boolean): string => (internal ? `${app.id}-${topic}` : topic)
  const inputs = nodes.flatMap((node) =>
    node.kind === 'source' ? node.topics.map((topic) => named(topic, node.internal)) : [],
  )
  const outputs = nodes.flatMap((node) => (node.kind === 'sink' ? [named(String(node.topic), node.internal)] : []))
  const endOf = async (topics: readonly string[]): Promise<number> => {
    const ends = await log.listOffsets(await partitionsOf(log, topics), 'latest')
    return [...ends.entries()].reduce((sum, [, , end]) => sum + end, 0)
  }
  const offsets = await log.committedOffsets(app.id, await partitionsOf(log, inputs))
  const committed = [...offsets.entries()].reduce((sum, [, , { offset }]) => sum + offset, 0)
  return { committed, inputs: await endOf(inputs), outputs: await endOf([...new Set(outputs)]) }
}

async function partitionsOf(log: Log, topics: readonly string[]): Promise<TopicPartition[]> {
  const described = await log.describeTopics(topics)
  return [...described.values()].flatMap(({ name: topic, partitions }) =>
    Array.from({ length: partitions }, (_, partition) => ({ topic, partition })),
  )
}
