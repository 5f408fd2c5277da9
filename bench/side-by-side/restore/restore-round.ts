import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../../src/index.ts'
import { AccountTotals } from '../rig/account-totals.ts'
import { BASE_TIME, payment } from '../rig/data.ts'
import type { BenchPlace } from '../rig/on-broker.ts'
import { cpuOf, machineCpu } from '../rig/process-figures.ts'
import type { Side } from '../rig/side.ts'
import { ReportingRunner, sideRunner, type JavaPlace } from '../rig/side-runner.ts'
import { check, createTopic, fill, PARTITIONS } from '../rig/topics.ts'
import type { InputRecord } from '../rig/workloads.ts'

/** A changelog: record `i` is of account `i` modulo `keys`. */
export interface ChangelogSize {
  readonly keys: number
  readonly records: number
}

export interface Restore {
  /** From the first store's begin to the last one's end, ms. */
  readonly time: number
  /** CPU of the process meanwhile, s. */
  readonly cpu: number
  /** Cores that were busy with neither runner nor broker meanwhile. */
  readonly others: number
  /** Why the run does not count. */
  readonly fault: string | undefined
}

/** Accounts that get one more payment when the store is restored. */
const PROBED = 20_000
const CELL = { workload: 'w2', guarantee: 'alos', cached: true } as const
let number = 0

/** Starts a runner on a changelog and an empty disk, then pays into accounts all over the store. @throws if it fails */
export async function restoreRound(
  { log, broker, directory }: BenchPlace,
  side: Side,
  size: ChangelogSize,
  java: JavaPlace,
): Promise<Restore> {
  const id = `restore-${size.keys}-${size.records}-${side}-${++number}`
  const changelog = `${id}-acc-changelog`
  const [input, output] = [`${id}-in`, `${id}-out`]
  const state = join(directory, id)
  await log.createTopics([{ name: changelog, partitions: PARTITIONS, configs: { 'cleanup.policy': 'compact' } }])
  const totals = await fillChangelog(log, changelog, size)
  await createTopic(log, input)
  await createTopic(log, output)
  mkdirSync(state)
  const probed = Math.min(PROBED, size.keys)
  const env = {
    BOOTSTRAP: broker.brokers,
    STATE_DIR: state,
    RUN_ID: id,
    INPUT: input,
    OUTPUT: output,
    RECORDS: String(probed),
  }
  try {
    const runner = new ReportingRunner(sideRunner(side, CELL, env, java))
    const used = (): { cpu: number; others: number } => {
      const cpu = cpuOfProcess(runner.process.pid)
      return { cpu, others: machineCpu() - cpu - cpuOfProcess(broker.pid) }
    }
    await runner.until(runner.report.whenRestoring, 'restoring')
    const before = used()
    await runner.until(runner.report.whenRestored, 'running')
    const after = used()
    const expected = new AccountTotals()
    const step = size.keys / probed
    await fill(log, input, probed, (i) => probe(Math.floor(i * step), totals, expected))
    await runner.process.ended
    const { restoreTime: time, restored } = runner.report
    const { fault } = await check(log, output, expected)
    return {
      time,
      cpu: after.cpu - before.cpu,
      others: (after.others - before.others) / (time / 1000),
      fault: fault ?? (restored.records === size.records ? undefined : `${restored.records} records were restored`),
    }
  } finally {
    rmSync(state, { recursive: true, force: true })
    await log.deleteTopics([changelog, input, output])
  }
}

function cpuOfProcess(pid: number | undefined): number {
  return (pid === undefined ? undefined : cpuOf(pid)) ?? Number.NaN
}

function accountOf(key: number): string {
  return `acct-${key}`
}

/** Writes what both sides write for the store `acc` without a cache: each update as a value with the payment's time. */
async function fillChangelog(log: Log, changelog: string, { keys, records }: ChangelogSize): Promise<AccountTotals> {
  const totals = new AccountTotals()
  await fill(log, changelog, records, (i): InputRecord => {
    const key = accountOf(i % keys)
    return { key, value: { ...totals.pay(key, payment(i, keys).amount) }, timestamp: BASE_TIME + i }
  })
  return totals
}

/** A payment of 1; notes what the account must come to by it. */
function probe(key: number, totals: AccountTotals, expected: AccountTotals): InputRecord {
  const account = accountOf(key)
  const { count, sum } = totals.pay(account, 1)
  expected.expected.set(account, { count, sum })
  return { key: account, value: { account, amount: 1 }, timestamp: BASE_TIME + 86_400_000 }
}
