import { COMMIT_INTERVAL, LINGER, type Cell } from './cells.ts'
import type { Side } from './side.ts'
import { javaRunner, millraceRunner } from './runner-commands.ts'
import { RunnerProcess, type RunnerCommand } from './runner-process.ts'
import { RunnerReport } from './runner-report.ts'

export interface JavaPlace {
  /** Empty where Kafka Streams is not run. */
  readonly classPath: string
  /** More settings of Kafka Streams, `key=value,…`. */
  readonly settings: string
}

/**
 * The same workload for either side, with the same settings.
 *
 * @param commitInterval ms; that of the benchmark for the guarantee if undefined
 */
export function sideRunner(
  side: Side,
  cell: Cell,
  env: Readonly<Record<string, string>>,
  java: JavaPlace,
  commitInterval = COMMIT_INTERVAL[cell.guarantee],
): RunnerCommand {
  const all = { ...env, WORKLOAD: cell.workload, GUARANTEE: cell.guarantee }
  const settings = `commit.interval.ms=${commitInterval},${java.settings}`
  if (side === 'java') return javaRunner(cell, all, { classPath: java.classPath, settings, linger: LINGER })
  const command = millraceRunner(cell, all)
  return { ...command, env: { ...command.env, COMMIT_INTERVAL: String(commitInterval) } }
}

/** ms after which a runner is killed. */
const LIMIT = 300_000

/** A runner, and what it says of itself. */
export class ReportingRunner {
  /** ms since the epoch, right before the process was made. */
  readonly started = Date.now()
  readonly report = new RunnerReport()
  readonly process: RunnerProcess

  constructor(command: RunnerCommand) {
    const onLine = (line: string): void => this.report.take(line.split(' '))
    this.process = new RunnerProcess(command, { brokerPid: undefined, limit: LIMIT, onLine })
  }

  /** Waits, but not longer than the runner lives. @throws if it ends before */
  async until(condition: Promise<void>, what: string): Promise<void> {
    const ended = this.process.ended.then(() => {
      throw new Error(`the runner ended before it was ${what}`)
    })
    await Promise.race([condition, ended])
  }

  /** Ends the runner as a crash does; resolves when it is gone. */
  async kill(): Promise<void> {
    this.process.kill()
    await this.process.ended.catch(() => {})
  }

  async close(): Promise<void> {
    this.process.stop()
    await this.process.ended
  }
}
