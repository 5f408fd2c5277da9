import { mkdirSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Cell } from '../rig/cells.ts'
import { measure, type Measurement } from '../rig/measured-process.ts'
import type { BenchPlace } from '../rig/on-broker.ts'
import { writePaced } from '../rig/paced-writer.ts'
import { writtenBytesOf } from '../rig/process-figures.ts'
import { millraceRunner } from '../rig/runner-commands.ts'
import { parseSelfReport, type SelfReport } from '../rig/self-report.ts'
import { check, uncommitted, createTopic, PARTITIONS, recordsIn } from '../rig/topics.ts'
import { payments } from '../rig/workloads.ts'

export interface SoakPlan {
  readonly guarantee: Cell['guarantee']
  readonly accounts: number
  /** Records a second, and how many in all. */
  readonly rate: number
  readonly records: number
  /** Budget of the application, such as `512MiB`. */
  readonly memory: string
}

/** What the application says of itself, and bytes that the broker's files take. */
export interface SoakSample extends SelfReport {
  readonly disk: number
}

export interface Soak {
  readonly measured: Measurement
  /** How late the sender was at worst, ms. */
  readonly late: number
  /** Bytes that the broker had written to disk. */
  readonly written: number
  /** Records of the input that the broker had deleted again. */
  readonly deleted: number
  /** Why the answer is wrong; undefined if it is right. */
  readonly fault: string | undefined
}

/** ms between two samples. */
export const SAMPLE_EVERY = 10_000
/** ms that a run may take beyond its input. */
const PATIENCE = 300_000
/** ms between two turns of the sender. */
const TURN = 10
const SEGMENT = String(64 * 2 ** 20)
/** In which `stat` counts, bytes. */
const BLOCK = 512

/** The input is deleted by size, not by time, since its times are long ago. At the default rate it keeps minutes. */
const inputConfigs = {
  'cleanup.policy': 'delete',
  'retention.bytes': String(4 * Number(SEGMENT)),
  'segment.bytes': SEGMENT,
}
/** The last total of every account stays. */
const outputConfigs = { 'cleanup.policy': 'compact', 'segment.bytes': SEGMENT }
/** For the broker: how often it looks what it may delete. */
export const soakSettings = { 'log.retention.check.interval.ms': '10000' }

/** Keeps totals of payments under steady input to its end. @throws if the application fails */
export async function soak(place: BenchPlace, plan: SoakPlan, onSample: (sample: SoakSample) => void): Promise<Soak> {
  const { log, broker, directory } = place
  const { guarantee, accounts, rate, records, memory } = plan
  const id = 'soak'
  const [input, output, state] = [`${id}-in`, `${id}-out`, join(directory, id)]
  const { record, expectation } = payments(accounts)
  await createTopic(log, input, PARTITIONS, inputConfigs)
  await createTopic(log, output, PARTITIONS, outputConfigs)
  mkdirSync(state)
  // The cell of W2 with many accounts determines the settings of the process.
  const cell: Cell = { workload: 'w2big', guarantee, cached: true }
  const env = {
    BOOTSTRAP: broker.brokers,
    WORKLOAD: cell.workload,
    GUARANTEE: guarantee,
    STATE_DIR: state,
    RUN_ID: id,
    INPUT: input,
    OUTPUT: output,
    RECORDS: String(records),
    MEMORY: memory,
    SELF_REPORT: String(SAMPLE_EVERY),
  }
  const writtenBefore = writtenBytes(broker.pid)
  const running = Promise.withResolvers<void>()
  const measuring = measure(millraceRunner(cell, env, ['--expose-gc']), {
    brokerPid: broker.pid,
    limit: (records / rate) * 1000 + PATIENCE,
    onLine: (line) => {
      if (/^STATE \d+ RUNNING$/.test(line)) running.resolve()
      const report = parseSelfReport(line)
      if (report !== undefined) onSample({ ...report, disk: sizeOf(join(directory, 'broker')) })
    },
  })
  // Also when it ends before it runs.
  await Promise.race([running.promise, measuring])
  const [late, measured] = await Promise.all([writePaced(log, input, record, { records, rate, turn: TURN }), measuring])
  const written = writtenBytes(broker.pid) - writtenBefore
  const deleted = await recordsIn(log, input, 'earliest')
  const { fault } = await check(log, output, expectation(records))
  return {
    measured,
    late,
    written,
    deleted,
    fault: fault ?? (await uncommitted(broker.brokers, id, input, records)),
  }
}

function writtenBytes(pid: number | undefined): number {
  return (pid === undefined ? undefined : writtenBytesOf(pid)) ?? Number.NaN
}

/** What the files below a directory take of the disk, bytes; others write and delete them meanwhile. */
function sizeOf(directory: string): number {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  let blocks = 0
  for (const { parentPath, name } of entries) {
    blocks += statSync(join(parentPath, name), { throwIfNoEntry: false })?.blocks ?? 0
  }
  return blocks * BLOCK
}
