import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Cell } from '../rig/cells.ts'
import { TRUCKS } from '../rig/data.ts'
import { fillAtOnce } from './fill-at-once.ts'
import type { BenchPlace } from '../rig/on-broker.ts'
import { millraceRunner } from '../rig/runner-commands.ts'
import { RunnerProcess } from '../rig/runner-process.ts'
import { parseSelfReport, type SelfReport } from '../rig/self-report.ts'
import { check, uncommitted, createTopic, fill, PARTITIONS } from '../rig/topics.ts'
import { vehicleRecord, vehicleTopic, workloads, type Workload } from '../rig/workloads.ts'

export interface ScaleRun {
  readonly instances: number
  /** First record of any instance to the close of the last, s. */
  readonly seconds: number
  /** From the first record of the first instance to that of the last, s. */
  readonly apart: number
  /** CPU of all instances, of the broker and of everything else between the two, s. */
  readonly cpu: number
  readonly brokerCpu: number
  readonly otherCpu: number
  /** Why the run does not count. */
  readonly fault: string | undefined
}

/** ms after which a run is given up. */
const LIMIT = 600_000
/** Between two reports of an instance, ms: so much later may be noticed that everything is processed. */
const REPORT_EVERY = 50
/** Tasks have come to rest when they have stayed where they are for so long, ms. */
const REST = 3000
let number = 0

/** Runs a workload on instances of an application, which have tasks before the first record. @throws if one fails */
export async function scaleRun(place: BenchPlace, cell: Cell, records: number, instances: number): Promise<ScaleRun> {
  const { log, broker, directory } = place
  const workload = workloads[cell.workload] as Workload
  const id = `scale-${cell.workload}-${cell.guarantee}-${instances}-${++number}`
  const [input, output] = [`${id}-in`, `${id}-out`]
  await createTopic(log, input)
  await createTopic(log, output)
  if (workload.needsTable) await fill(log, vehicleTopic, TRUCKS, vehicleRecord)
  const group = new Instances(instances)
  const states = Array.from({ length: instances }, (_, index) => join(directory, `${id}-${index}`))
  try {
    for (const [index, state] of states.entries()) {
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
        RECORDS: '0',
        SELF_REPORT: String(REPORT_EVERY),
      }
      group.start(
        index,
        (onLine) => new RunnerProcess(millraceRunner(cell, env), { brokerPid: broker.pid, limit: LIMIT, onLine }),
      )
    }
    await group.haveTasks()
    await fillAtOnce(broker.brokers, input, records, workload.record)
    await group.haveSeen(records)
    await group.close()
    const { fault } = await check(log, output, workload.expectation(records))
    return {
      instances,
      ...group.usage(),
      fault: fault ?? (await uncommitted(broker.brokers, id, input, records)),
    }
  } finally {
    group.kill()
    for (const state of states) rmSync(state, { recursive: true, force: true })
    await log.deleteTopics([input, output])
  }
}

/** The instances of one application. */
class Instances {
  readonly #count: number
  readonly #processes: RunnerProcess[] = []
  readonly #reports = new Map<number, SelfReport>()
  #onReport = (): void => {}

  constructor(count: number) {
    this.#count = count
  }

  start(index: number, open: (onLine: (line: string) => void) => RunnerProcess): void {
    const onLine = (line: string): void => {
      const report = parseSelfReport(line)
      if (report === undefined) return
      this.#reports.set(index, report)
      this.#onReport()
    }
    this.#processes.push(open(onLine))
  }

  /** Resolves when all run, each with as many tasks as every other, for long enough. */
  async haveTasks(): Promise<void> {
    let since = Number.POSITIVE_INFINITY
    await this.#until(() => {
      const reports = [...this.#reports.values()]
      const [first] = reports
      const even =
        reports.length === this.#count && reports.every((each) => each.running && each.tasks === first?.tasks)
      const all = (first?.tasks ?? 0) * this.#count
      since =
        even && all >= PARTITIONS && all % PARTITIONS === 0 ? Math.min(since, Date.now()) : Number.POSITIVE_INFINITY
      return Date.now() - since >= REST
    })
  }

  async haveSeen(records: number): Promise<void> {
    await this.#until(() => {
      let seen = 0
      for (const report of this.#reports.values()) seen += report.seen
      return seen >= records
    })
  }

  async close(): Promise<void> {
    for (const each of this.#processes) each.stop()
    await Promise.all(this.#processes.map(({ ended }) => ended))
  }

  kill(): void {
    for (const each of this.#processes) each.kill()
  }

  usage(): Pick<ScaleRun, 'seconds' | 'apart' | 'cpu' | 'brokerCpu' | 'otherCpu'> {
    const firsts = this.#processes.map((each) => each.mark('FIRST'))
    const closes = this.#processes.map((each) => each.mark('CLOSED'))
    const first = firsts.reduce((a, b) => (a.time <= b.time ? a : b))
    const closed = closes.reduce((a, b) => (a.time >= b.time ? a : b))
    const cpu = closes.reduce((sum, close, index) => sum + close.cpu - (firsts[index]?.cpu ?? 0), 0)
    const brokerCpu = closed.brokerCpu - first.brokerCpu
    return {
      seconds: (closed.time - first.time) / 1000,
      apart: (Math.max(...firsts.map(({ time }) => time)) - first.time) / 1000,
      cpu,
      brokerCpu,
      otherCpu: Math.max(0, closed.machineCpu - first.machineCpu - brokerCpu - cpu),
    }
  }

  /** @throws if an instance ends before */
  async #until(condition: () => boolean): Promise<void> {
    const met = Promise.withResolvers<void>()
    this.#onReport = () => {
      if (condition()) met.resolve()
    }
    const ended = this.#processes.map(async (each) => {
      await each.ended
      throw new Error('an instance ended before it was done')
    })
    await Promise.race([met.promise, ...ended])
    this.#onReport = () => {}
  }
}
