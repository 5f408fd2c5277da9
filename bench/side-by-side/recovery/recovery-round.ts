import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { AccountTotals } from '../rig/account-totals.ts'
import type { Cell } from '../rig/cells.ts'
import type { BenchPlace } from '../rig/on-broker.ts'
import type { Side } from '../rig/side.ts'
import type { RunnerReport } from '../rig/runner-report.ts'
import { ReportingRunner, sideRunner, type JavaPlace } from '../rig/side-runner.ts'
import { check, committedRecords, createTopic, fill } from '../rig/topics.ts'
import { payments } from '../rig/workloads.ts'

export interface RecoveryCase {
  readonly side: Side
  readonly guarantee: Cell['guarantee']
  /** What the new process finds where its predecessor had its state. */
  readonly disk: 'same' | 'empty'
  /** True: both processes bear the same name. */
  readonly named: boolean
}

export interface RecoveryInput {
  readonly java: JavaPlace
  readonly records: number
  readonly accounts: number
  /** ms; the benchmark's if undefined. */
  readonly commitInterval: number | undefined
}

/** What came of a process that was killed, and of its successor. */
export interface Recovery {
  /** From the start of the new process to its first record, and until all stores were restored; ms. */
  readonly firstAfter: number
  readonly runningAfter: number
  readonly restored: number
  /** ms */
  readonly restoreTime: number
  /** Records that both processes processed; the first one counts by hundredths of all. */
  readonly processedAgain: number
  /** Records that are in the totals twice. */
  readonly countedTwice: number
  /** Why the answer is wrong; undefined if it is right by the rules of the guarantee. */
  readonly fault: string | undefined
}

/** ms between two looks at what is committed. */
const LOOK = 500
let number = 0

/** Kills a runner when it is half-way, starts it again, and lets it end. @throws if a runner fails */
export async function recoveryRound(
  place: BenchPlace,
  { side, guarantee, disk, named }: RecoveryCase,
  { records, accounts, commitInterval, java }: RecoveryInput,
): Promise<Recovery> {
  const { log, broker, directory } = place
  const id = `recovery-${guarantee}-${side}-${++number}`
  const input = `bench-payments-${accounts}-${records}`
  const output = `${id}-out`
  const state = join(directory, id)
  await fill(log, input, records, payments(accounts).record)
  await createTopic(log, output)
  mkdirSync(state)
  const env = {
    BOOTSTRAP: broker.brokers,
    STATE_DIR: state,
    RUN_ID: id,
    INPUT: input,
    OUTPUT: output,
    ...(named ? { INSTANCE_ID: `${id}-instance` } : {}),
  }
  const start = (limit: number): ReportingRunner => {
    const cell = { workload: 'w2', guarantee, cached: true }
    return new ReportingRunner(sideRunner(side, cell, { ...env, RECORDS: String(limit) }, java, commitInterval))
  }
  try {
    const killed = start(records)
    await killed.until(killed.report.whenProcessed(records / 2), 'half-way')
    await killed.kill()
    if (disk === 'empty') {
      rmSync(state, { recursive: true })
      mkdirSync(state)
    }
    const runner = start(0)
    const { report } = runner
    await runner.until(committed(broker.brokers, id, input, records, report), 'through its input')
    await runner.close()
    const totals = AccountTotals.ofPayments(records, accounts)
    const { fault } = await check(log, output, totals)
    const countedTwice = totals.countedTwice()
    return {
      firstAfter: (report.first ?? Number.NaN) - runner.started,
      runningAfter: (report.running ?? Number.NaN) - runner.started,
      restored: report.restored.records,
      restoreTime: report.restoreTime,
      processedAgain: killed.report.processed + report.processed - records,
      countedTwice,
      fault: guarantee === 'eos' || countedTwice === 0 ? fault : totals.lost(),
    }
  } finally {
    rmSync(state, { recursive: true, force: true })
  }
}

/** Resolves when a group has committed all input. Asks only once its new member works, so as not to delay it. */
async function committed(
  brokers: string,
  group: string,
  input: string,
  records: number,
  report: RunnerReport,
): Promise<void> {
  await report.whenFirst
  while ((await committedRecords(brokers, group, input)) < records) await pause(LOOK)
}
