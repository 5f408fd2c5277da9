import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { AccountTotals } from '../rig/account-totals.ts'
import { Arrivals } from './arrivals.ts'
import type { Cell } from '../rig/cells.ts'
import { payment } from '../rig/data.ts'
import type { BenchPlace } from '../rig/on-broker.ts'
import { writePaced } from '../rig/paced-writer.ts'
import type { Side } from '../rig/side.ts'
import { ReportingRunner, sideRunner, type JavaPlace } from '../rig/side-runner.ts'
import { check, createTopic } from '../rig/topics.ts'
import type { InputRecord } from '../rig/workloads.ts'

export interface RescaleCase {
  readonly side: Side
  readonly guarantee: Cell['guarantee']
  /** The runner's default if undefined. */
  readonly groupProtocol: string | undefined
  readonly java: JavaPlace
}

/** What became of the partitions when the number of instances changed. */
export interface Change {
  readonly moved: number
  /** Longest gap in the output of a partition, beyond the usual one; ms. */
  readonly longestMoved: number
  readonly longestUnmoved: number
}

export interface Rescale {
  /** Longest gap in the output of a partition in a usual second, ms. */
  readonly usual: number
  readonly out: Change
  readonly in: Change
  /** Why the run does not count; undefined if the totals are exact. */
  readonly fault: string | undefined
}

const INPUT_PARTITIONS = 8
const RATE = 5000
const ACCOUNTS = 10_000
/** ms for which one instance runs until it counts as steady, and then until something changes. */
const WARM_UP = 10_000
const STEADY = 10_000
/** ms for which the partitions are watched after each change: eight heartbeats of a streams group. */
const WATCH = 40_000
/** ms before the next change in which no partition may pause any more, and what counts as a pause then. */
const REST = 5000
const PAUSE = 1000
/** So many that the input lasts a second longer than the last watch. */
const RECORDS = ((WARM_UP + STEADY + 2 * WATCH) / 1000 + 1) * RATE
/** ms between two turns of the sender. */
const TURN = 10
let number = 0

/**
 * One instance under steady input, then three, then one again. Every update is written, and keys are partitioned alike
 * on both sides: the output of a partition shows when its input was processed.
 *
 * @throws if a runner fails
 */
export async function rescaleRound({ log, broker, directory }: BenchPlace, options: RescaleCase): Promise<Rescale> {
  const { side, guarantee, groupProtocol, java } = options
  const id = `rescale-${guarantee}-${side}-${++number}`
  const [input, output] = [`${id}-in`, `${id}-out`]
  await createTopic(log, input, INPUT_PARTITIONS)
  await createTopic(log, output, INPUT_PARTITIONS)
  const home = join(directory, id)
  const start = (instance: string): ReportingRunner => {
    const state = join(home, instance)
    mkdirSync(state, { recursive: true })
    const env = {
      BOOTSTRAP: broker.brokers,
      STATE_DIR: state,
      RUN_ID: id,
      INPUT: input,
      OUTPUT: output,
      RECORDS: '0',
      ...(groupProtocol === undefined ? {} : { GROUP_PROTOCOL: groupProtocol }),
    }
    return new ReportingRunner(sideRunner(side, { workload: 'w2', guarantee, cached: false }, env, java))
  }
  const totals = new AccountTotals()
  const recordOf = (i: number): InputRecord => {
    const value = payment(i, ACCOUNTS)
    totals.pay(value.account, value.amount)
    return { key: value.account, value, timestamp: value.ts }
  }
  const arrivals = new Arrivals(log, output, INPUT_PARTITIONS)
  try {
    const first = start('1')
    await first.until(first.report.whenRunning, 'running')
    const written = writePaced(log, input, recordOf, { records: RECORDS, rate: RATE, turn: TURN })
    // What became of it is asked when all of it should be there.
    written.catch(() => {})
    await first.until(pause(WARM_UP + STEADY), 'steady')
    const outAt = Date.now()
    const others = [start('2'), start('3')]
    const all = [first, ...others]
    await Promise.all(all.map((runner) => runner.until(pause(WATCH), 'watched')))
    const inAt = Date.now()
    await Promise.all(others.map((runner) => runner.close()))
    await written
    await first.until(arrivals.count(RECORDS), 'through its input')
    await first.close()
    await arrivals.stop()
    const usual = Math.round(arrivals.usualGap(outAt - STEADY, outAt))
    const partitions = Array.from({ length: INPUT_PARTITIONS }, (_, partition) => partition)
    const moves = all.flatMap(({ report }) => report.restoreStarts)
    const change = (from: number, to: number): Change => {
      const moved = new Set(moves.filter(({ time }) => time >= from && time < to).map(({ partition }) => partition))
      const longest = (isMoved: boolean): number => {
        const gaps = partitions
          .filter((each) => moved.has(each) === isMoved)
          .map((each) => arrivals.longestGap(each, from, to))
        return Math.max(0, Math.max(0, ...gaps) - usual)
      }
      return { moved: moved.size, longestMoved: longest(true), longestUnmoved: longest(false) }
    }
    // Else a pause would count for both changes. What begins right before the next change may be of that one.
    const unsettled = partitions.filter((each) => arrivals.longestGap(each, inAt - REST, inAt - PAUSE) > PAUSE + usual)
    const { records: outputs, fault } = await check(log, output, totals)
    const missing = outputs === RECORDS ? undefined : `${outputs} updates of ${RECORDS} records`
    const early = unsettled.length === 0 ? undefined : `${unsettled.length} partitions still paused when two closed`
    return {
      usual,
      out: change(outAt, inAt),
      in: change(inAt, inAt + WATCH),
      fault: fault ?? missing ?? early,
    }
  } finally {
    rmSync(home, { recursive: true, force: true })
  }
}
