import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Cell } from '../rig/cells.ts'
import { measure, type Measurement } from '../rig/measured-process.ts'
import type { BenchPlace } from '../rig/on-broker.ts'
import { writePaced } from '../rig/paced-writer.ts'
import type { Percentiles } from './percentiles.ts'
import type { Side } from '../rig/side.ts'
import { javaRunner, millraceRunner } from '../rig/runner-commands.ts'
import { RunnerProcess, type RunnerCommand } from '../rig/runner-process.ts'
import { sentNow } from './sent-time.ts'
import { check, createTopic } from '../rig/topics.ts'
import { workloads, type Workload } from '../rig/workloads.ts'

export interface LatencyContext extends BenchPlace {
  readonly classPath: string
  readonly guarantee: Cell['guarantee']
  /** Records a second. */
  readonly rate: number
  /** How long is measured, and how long it runs before that; s. */
  readonly seconds: number
  readonly warmUp: number
  /** Linger of Kafka Streams, ms. */
  readonly linger: number
}

export interface LatencyRun {
  /** Sent to received, ms. */
  readonly latency: Percentiles
  /** How late the sender was at worst, ms. */
  readonly late: number
  /** Undefined where no application was between sender and receiver. */
  readonly measured: Measurement | undefined
  /** Why the run does not count. */
  readonly fault: string | undefined
}

/** ms by which a run may take longer than planned. */
const PATIENCE = 60_000
/** ms between two turns of the sender. The wait for a turn, or for earlier records, is part of a record's latency. */
const TURN = 1
const workload = workloads['w2'] as Workload
let number = 0

/**
 * Sends payments at a steady rate, has them totalled without a cache, and receives the totals in another process.
 *
 * @param side `none`: the receiver reads what was sent, which is what sender, broker and receiver take by themselves
 * @throws if a process fails, or what was sent has not all arrived in time
 */
export async function latencyRun(context: LatencyContext, side: Side | 'none'): Promise<LatencyRun> {
  const { log, broker, directory, guarantee, rate, seconds, warmUp } = context
  const id = `latency-${guarantee}-${side}-${++number}`
  const [input, output, state] = [`${id}-in`, `${id}-out`, join(directory, id)]
  const records = Math.round(rate * (warmUp + seconds))
  const limit = (warmUp + seconds) * 1000 + PATIENCE
  await createTopic(log, input)
  await createTopic(log, output)
  mkdirSync(state)
  const receiver = receive(context, side === 'none' ? input : output, records, limit)
  try {
    await receiver.ready
    const env = {
      BOOTSTRAP: broker.brokers,
      WORKLOAD: 'w2',
      GUARANTEE: guarantee,
      STATE_DIR: state,
      RUN_ID: id,
      INPUT: input,
      OUTPUT: output,
      RECORDS: String(records),
      EVENT_LOOP_DELAY: String(warmUp * 1000),
    }
    const application = side === 'none' ? undefined : start(context, runner(context, side, env), limit)
    await application?.running
    const late = await writePaced(log, input, workload.record, { records, rate, turn: TURN, headers: sentNow })
    const measured = await application?.measured
    const latency = await receiver.latency
    return { latency, late, measured, fault: side === 'none' ? undefined : await faultOf(context, output, records) }
  } finally {
    receiver.process.kill()
    rmSync(state, { recursive: true, force: true })
    await log.deleteTopics([input, output])
  }
}

function runner(context: LatencyContext, side: Side, env: Readonly<Record<string, string>>): RunnerCommand {
  const { guarantee, classPath, linger } = context
  const cell: Cell = { workload: 'w2', guarantee, cached: false }
  return side === 'java' ? javaRunner(cell, env, { classPath, linger, settings: '' }) : millraceRunner(cell, env)
}

/** `running` rejects, too, if the application ends before. */
function start(
  { broker }: LatencyContext,
  command: RunnerCommand,
  limit: number,
): { readonly running: Promise<unknown>; readonly measured: Promise<Measurement> } {
  const running = Promise.withResolvers<void>()
  const onLine = (line: string): void => {
    if (/^STATE \d+ RUNNING$/.test(line)) running.resolve()
  }
  const measured = measure(command, { brokerPid: broker.pid, limit, onLine })
  // Heard of when the sender is done.
  measured.catch(() => {})
  return { running: Promise.race([running.promise, measured]), measured }
}

interface Receiver {
  readonly process: RunnerProcess
  readonly ready: Promise<unknown>
  readonly latency: Promise<Percentiles>
}

function receive({ broker, warmUp }: LatencyContext, topic: string, records: number, limit: number): Receiver {
  const ready = Promise.withResolvers<void>()
  let result: Percentiles | undefined
  const command: RunnerCommand = {
    command: process.execPath,
    args: [join(import.meta.dirname, 'receiver.ts')],
    env: { BOOTSTRAP: broker.brokers, TOPIC: topic, RECORDS: String(records), WARM_UP: String(warmUp * 1000) },
  }
  const child = new RunnerProcess(command, {
    brokerPid: broker.pid,
    limit,
    onLine: (line) => {
      if (line === 'READY') ready.resolve()
      if (line.startsWith('LATENCY ')) result = JSON.parse(line.slice('LATENCY '.length)) as Percentiles
    },
  })
  const latency = child.ended.then(() => {
    if (result === undefined) throw new Error('the receiver ended without a result')
    return result
  })
  latency.catch(() => {})
  return { process: child, ready: Promise.race([ready.promise, child.ended]), latency }
}

/** Without a cache every record has its output, once. */
async function faultOf({ log }: LatencyContext, output: string, records: number): Promise<string | undefined> {
  const { records: outputs, fault } = await check(log, output, workload.expectation(records))
  return fault ?? (outputs === records ? undefined : `${outputs} outputs of ${records} records`)
}
