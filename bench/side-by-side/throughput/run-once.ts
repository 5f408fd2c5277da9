import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../../src/index.ts'
import type { BenchBroker } from '../rig/broker.ts'
import { LINGER, type Cell } from '../rig/cells.ts'
import { TRUCKS } from '../rig/data.ts'
import { measure, type Measurement } from '../rig/measured-process.ts'
import type { Side } from '../rig/side.ts'
import type { Run } from './report.ts'
import { javaRunner, millraceRunner } from '../rig/runner-commands.ts'
import { check, uncommitted, createTopic, fill, recordsIn } from '../rig/topics.ts'
import { vehicleRecord, vehicleTopic, workloads, type Workload } from '../rig/workloads.ts'

export interface RunContext {
  readonly log: Log
  readonly broker: BenchBroker
  readonly directory: string
  readonly records: number
  readonly classPath: string
  /** More settings of Kafka Streams, `key=value,…`. */
  readonly javaSettings: string
  /** Where CPU profiles of Millrace go. */
  readonly profile: string | undefined
  /** True: Millrace measures the delay of its event loop, which costs a little. */
  readonly eventLoopDelay?: boolean
  /** Memory of Millrace, such as `512MiB`; its default if undefined. */
  readonly memory?: string | undefined
}

/** ms after which a run is given up. */
const LIMIT = 300_000
let number = 0

/**
 * One run of one side, from an empty state to a verdict on what it wrote.
 *
 * @param workload input and expected output other than the cell's own, for the same program
 */
export async function runOnce(
  context: RunContext,
  cell: Cell,
  side: Side,
  workload = workloads[cell.workload] as Workload,
): Promise<Run> {
  const { log, broker, directory, records } = context
  const id = `bench-${cell.workload}-${cell.guarantee}-${side}-${++number}`
  const output = `${id}-out`
  const state = join(directory, id)
  const input = `${workload.input}-${records}`
  await fill(log, input, records, workload.record)
  if (workload.needsTable) await fill(log, vehicleTopic, TRUCKS, vehicleRecord)
  await createTopic(log, output)
  mkdirSync(state)
  const env = {
    BOOTSTRAP: broker.brokers,
    WORKLOAD: cell.workload,
    GUARANTEE: cell.guarantee,
    STATE_DIR: state,
    RUN_ID: id,
    INPUT: input,
    OUTPUT: output,
    TABLE: vehicleTopic,
    RECORDS: String(records),
    ...(context.memory === undefined ? {} : { MEMORY: context.memory }),
    ...(context.eventLoopDelay === true ? { EVENT_LOOP_DELAY: '0' } : {}),
  }
  let measured: Measurement
  try {
    const command =
      side === 'java'
        ? javaRunner(cell, env, { classPath: context.classPath, linger: LINGER, settings: context.javaSettings })
        : millraceRunner(cell, env, profiling(context.profile))
    measured = await measure(command, { brokerPid: broker.pid, limit: LIMIT })
  } catch (error) {
    return { cell, side, records, measured: undefined, outputs: 0, changelog: undefined, fault: String(error) }
  } finally {
    rmSync(state, { recursive: true, force: true })
  }
  const { records: outputs, fault } = await check(log, output, workload.expectation(records))
  const changelog = workload.store === undefined ? undefined : await recordsIn(log, `${id}-${workload.store}-changelog`)
  return {
    cell,
    side,
    records,
    measured,
    outputs,
    changelog,
    fault: fault ?? (await uncommitted(broker.brokers, id, input, records)),
  }
}

function profiling(directory: string | undefined): string[] {
  return directory === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${directory}`]
}
