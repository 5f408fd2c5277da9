import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { cpuOf, machineCpu, peakMemoryOf } from './process-figures.ts'

export interface RunnerCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface RunnerLimits {
  readonly brokerPid: number | undefined
  /** ms after which the process is killed. */
  readonly limit: number
  /** Called with every line on its stdout. */
  readonly onLine?: ((line: string) => void) | undefined
}

/** CPU seconds that a process and the whole machine had used at a moment (ms since the epoch). */
export interface Mark {
  readonly time: number
  readonly cpu: number
  readonly brokerCpu: number
  readonly machineCpu: number
}

const SAMPLE_EVERY = 20

/** A process that keeps the contract of bench/runner.ts, and its output. It ends with this process at the latest. */
export class RunnerProcess {
  readonly #child: ChildProcess
  readonly #marks = new Map<string, Mark>()
  readonly #ended: Promise<void>
  #cpu = 0
  #rss = 0

  constructor({ command, args, env }: RunnerCommand, { brokerPid, limit, onLine }: RunnerLimits) {
    const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
    this.#child = child
    const killAtExit = (): void => void child.kill('SIGKILL')
    process.once('exit', killAtExit)
    let errors = ''
    child.stderr.on('data', (text) => (errors = (errors + String(text)).slice(-4000)))
    const sampling = setInterval(() => this.#sample(), SAMPLE_EVERY)
    const tooLong = setTimeout(killAtExit, limit)
    const lines = createInterface({ input: child.stdout })
    lines.on('line', (line) => {
      const [name = '', time] = line.split(' ')
      if (name === 'FIRST' || name === 'LAST' || name === 'CLOSED') {
        this.#sample()
        const brokerCpu = (brokerPid === undefined ? undefined : cpuOf(brokerPid)) ?? 0
        this.#marks.set(name, { time: Number(time), cpu: this.#cpu, brokerCpu, machineCpu: machineCpu() })
      }
      onLine?.(line)
    })
    this.#ended = Promise.all([once(child, 'exit'), once(lines, 'close')])
      .finally(() => {
        clearInterval(sampling)
        clearTimeout(tooLong)
        process.removeListener('exit', killAtExit)
      })
      .then(([[code, signal]]) => {
        if (code === 0) return
        const said = [...this.#marks.keys()].join(', ')
        throw new Error(`the runner ended with ${String(code ?? signal)} after ${said}\n${errors}`)
      })
    // The error is reported later to callers that wait for something else first.
    this.#ended.catch(() => {})
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /** Rejects if the process failed. */
  get ended(): Promise<void> {
    return this.#ended
  }

  /** Largest resident memory, MB. */
  get rss(): number {
    return this.#rss
  }

  /** The moment at which it said FIRST, LAST or CLOSED. */
  mark(name: 'FIRST' | 'LAST' | 'CLOSED'): Mark {
    const mark = this.#marks.get(name)
    if (mark === undefined) throw new Error(`the runner never said ${name}`)
    return mark
  }

  /** Asks it to close. */
  stop(): void {
    this.#child.kill('SIGTERM')
  }

  kill(): void {
    this.#child.kill('SIGKILL')
  }

  #sample(): void {
    const { pid } = this.#child
    if (pid === undefined) return
    this.#cpu = cpuOf(pid) ?? this.#cpu
    this.#rss = peakMemoryOf(pid) ?? this.#rss
  }
}
