import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { feed } from '../../examples/kit/generator.ts'
import { createTopics } from '../../examples/kit/topics.ts'
import { expectedTotals, paymentGenerator } from '../../examples/payments/generator.ts'
import { accounts, frauds, payments, volumes } from '../../examples/payments/topics.ts'
import { CliProcess } from '../cli/cli-process.ts'
import { reaches, totalsIn } from '../faults/payments-sums.ts'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'

const BANK = { seed: 3, accounts: 1000 }
const COUNT = 200_000
const RATE = 50_000

let directory: string
let prefix: string
let brokers: string
let log: Log

const named = <T extends { readonly name: string }>(topic: T): T => ({ ...topic, name: prefix + topic.name })

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-payments-kafka-'))
  prefix = `${uniqueName('bank')}-`
  vi.stubEnv('TEST_PREFIX', prefix)
  brokers = await sharedBroker()
  log = kafka({ brokers })
  await createTopics(log, [payments, volumes, frauds].map(named), [named(accounts)])
})

afterEach(async () => {
  await log.close()
  vi.unstubAllEnvs()
  rmSync(directory, { recursive: true, force: true })
})

/** Starts `millrace run` in a process of its own, and waits until it owns tasks. */
async function start(name: string): Promise<CliProcess> {
  const file = join(import.meta.dirname, 'payments-app.ts')
  const data = join(directory, name)
  const millrace = new CliProcess(['run', file, '--data', data, '--kafka', brokers, '--log-format', 'json'])
  await millrace.stderrMatches(/"state":"running","tasks":[1-9]/)
  return millrace
}

async function stop(millrace: CliProcess): Promise<void> {
  millrace.signal('SIGTERM')
  const { code, stderr } = await millrace.result()
  if (code !== 0) expect.unreachable(stderr)
}

async function kill(millrace: CliProcess): Promise<void> {
  millrace.signal('SIGKILL')
  expect((await millrace.result()).code).toBeNull()
}

test.each([
  { guarantee: 'at_least_once', end: stop, ended: 'stopped' },
  { guarantee: 'exactly_once', end: stop, ended: 'stopped' },
  { guarantee: 'exactly_once', end: kill, ended: 'killed' },
])(
  `$guarantee: two processes, one $ended half-way and started again, count each of ${COUNT} payments once`,
  async ({ guarantee, end }) => {
    vi.stubEnv('TEST_GUARANTEE', guarantee)
    const generator = { ...paymentGenerator(BANK), topic: named(payments) }
    const produce = (count: number): Promise<number> =>
      feed(log, generator, { rate: RATE, count, signal: new AbortController().signal })
    const first = await start('first')
    const second = await start('second')

    await produce(COUNT / 2)
    const feeding = produce(COUNT)
    await end(first)
    const again = await start('first')
    await feeding
    // Every payment changes two accounts.
    await reaches(log, named(accounts), 2 * COUNT, AbortSignal.timeout(120_000))
    await stop(second)
    await stop(again)

    expect(await totalsIn(log, named(accounts))).toEqual(expectedTotals(BANK, COUNT))
  },
  240_000,
)
