import { parseEventLoopDelay, type Delay } from './event-loop-delay.ts'
import { RunnerProcess, type RunnerCommand, type RunnerLimits } from './runner-process.ts'

/** What one run of a runner used, from its first record to its close. */
export interface Measurement {
  /** First to last record seen by the user's function, s. */
  readonly seconds: number
  /** First record to clean close, s. */
  readonly secondsClosed: number
  /** CPU of the runner until the last record, and until it was closed, s. */
  readonly cpu: number
  readonly cpuClosed: number
  readonly brokerCpu: number
  /** CPU of everything on the machine that is neither runner nor broker, s. */
  readonly otherCpu: number
  /** Largest resident memory of the process, MB. */
  readonly rss: number
  /** If the runner was asked for it. */
  readonly eventLoopDelay: Delay | undefined
}

/** Runs a runner to its end, following what it says on stdout. Rejects if it fails or takes longer than the limit. */
export async function measure(command: RunnerCommand, limits: RunnerLimits): Promise<Measurement> {
  let eventLoopDelay: Delay | undefined
  const runner = new RunnerProcess(command, {
    ...limits,
    onLine: (line) => {
      eventLoopDelay ??= parseEventLoopDelay(line)
      limits.onLine?.(line)
    },
  })
  await runner.ended
  const first = runner.mark('FIRST')
  const last = runner.mark('LAST')
  const closed = runner.mark('CLOSED')
  const brokerCpu = closed.brokerCpu - first.brokerCpu
  const cpuClosed = closed.cpu - first.cpu
  return {
    seconds: (last.time - first.time) / 1000,
    secondsClosed: (closed.time - first.time) / 1000,
    cpu: last.cpu - first.cpu,
    cpuClosed,
    brokerCpu,
    otherCpu: Math.max(0, closed.machineCpu - first.machineCpu - brokerCpu - cpuClosed),
    rss: runner.rss,
    eventLoopDelay,
  }
}
