import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from '../../src/index.ts'
import type { BenchBroker } from './broker.ts'
import { CACHE_BYTES, COMMIT_INTERVAL, LINGER, type Cell } from './cells.ts'
import { TRUCKS } from './data.ts'
import { measure, type Measurement, type RunnerCommand } from './measured-process.ts'
import type { Run, Side } from './report.ts'
import { check, committedRecords, createTopic, fill, recordsIn } from './topics.ts'
import { vehicleRecord, vehicleTopic, workloads, type Workload } from './workloads.ts'

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
}

/** ms after which a run is given up. */
const LIMIT = 300_000
let number = 0

/** One run of one side, from an empty state to a verdict on what it wrote. */
export async function runOnce(context: RunContext, cell: Cell, side: Side): Promise<Run> {
  const { log, broker, directory, records } = context
  const workload = workloads[cell.workload] as Workload
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
  }
  let measured: Measurement
  try {
    measured = await measure(
      side === 'java' ? javaRunner(context, cell, env) : millraceRunner(context, cell, env),
      broker.pid,
      LIMIT,
    )
  } catch (error) {
    return { cell, side, records, measured: undefined, outputs: 0, changelog: undefined, fault: String(error) }
  } finally {
    rmSync(state, { recursive: true, force: true })
  }
  const { records: outputs, fault } = await check(log, output, workload.expectation(records))
  const committed = await committedRecords(broker.brokers, id, input)
  const changelog = workload.store === undefined ? undefined : await recordsIn(log, `${id}-${workload.store}-changelog`)
  return {
    cell,
    side,
    records,
    measured,
    outputs,
    changelog,
    fault: fault ?? (committed < records ? `offsets of ${committed} of ${records} records are committed` : undefined),
  }
}

function millraceRunner({ profile }: RunContext, cell: Cell, env: Record<string, string>): RunnerCommand {
  const runner = join(import.meta.dirname, '..', 'runner.ts')
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile}`]
  return {
    command: process.execPath,
    args: [...profiling, runner],
    env: {
      ...env,
      COMMIT_INTERVAL: String(COMMIT_INTERVAL[cell.guarantee]),
      CACHE_BYTES: cell.cached ? String(CACHE_BYTES) : '0',
    },
  }
}

function javaRunner({ classPath, javaSettings }: RunContext, cell: Cell, env: Record<string, string>): RunnerCommand {
  const settings = [
    `commit.interval.ms=${COMMIT_INTERVAL[cell.guarantee]}`,
    `statestore.cache.max.bytes=${cell.cached ? CACHE_BYTES : 0}`,
    `producer.linger.ms=${LINGER}`,
    javaSettings,
  ]
  return {
    command: 'java',
    args: ['-Xmx1g', '-cp', classPath, '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', 'KafkaStreamsRunner'],
    env: { ...env, KAFKA_STREAMS_SETTINGS: settings.join(',') },
  }
}
