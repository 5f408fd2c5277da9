import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** CPU seconds that a process and the whole machine had used at a moment (ms since the epoch). */
interface Mark {
  readonly time: number
  readonly cpu: number
  readonly brokerCpu: number
  readonly machineCpu: number
}

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
}

export interface RunnerCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

const TICKS_PER_SECOND = 100
const SAMPLE_EVERY = 20

/** Runs a runner to its end, following what it says on stdout. Rejects if it fails or takes longer than `limit` ms. */
export async function measure(
  { command, args, env }: RunnerCommand,
  brokerPid: number | undefined,
  limit: number,
): Promise<Measurement> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  const { pid } = child
  const killAtExit = (): void => void child.kill('SIGKILL')
  process.once('exit', killAtExit)
  let errors = ''
  child.stderr.on('data', (text) => (errors = (errors + String(text)).slice(-4000)))
  let cpu = 0
  let rss = 0
  const sample = (): void => {
    if (pid === undefined) return
    cpu = cpuOf(pid) ?? cpu
    rss = peakMemoryOf(pid) ?? rss
  }
  const sampling = setInterval(sample, SAMPLE_EVERY)
  const tooLong = setTimeout(() => child.kill('SIGKILL'), limit)
  const marks = new Map<string, Mark>()
  const exited = once(child, 'exit')
  const lines = createInterface({ input: child.stdout })
  lines.on('line', (line) => {
    const [name = '', time] = line.split(' ')
    if (name !== 'FIRST' && name !== 'LAST' && name !== 'CLOSED') return
    sample()
    const brokerCpu = (brokerPid === undefined ? undefined : cpuOf(brokerPid)) ?? 0
    marks.set(name, { time: Number(time), cpu, brokerCpu, machineCpu: machineCpu() })
  })
  const [[code, signal]] = await Promise.all([exited, once(lines, 'close')])
  clearInterval(sampling)
  clearTimeout(tooLong)
  process.removeListener('exit', killAtExit)
  const first = marks.get('FIRST')
  const last = marks.get('LAST')
  const closed = marks.get('CLOSED')
  if (code !== 0 || first === undefined || last === undefined || closed === undefined) {
    throw new Error(`the runner ended with ${String(code ?? signal)} after ${[...marks.keys()].join(', ')}\n${errors}`)
  }
  const brokerCpu = closed.brokerCpu - first.brokerCpu
  const cpuClosed = closed.cpu - first.cpu
  return {
    seconds: (last.time - first.time) / 1000,
    secondsClosed: (closed.time - first.time) / 1000,
    cpu: last.cpu - first.cpu,
    cpuClosed,
    brokerCpu,
    otherCpu: Math.max(0, closed.machineCpu - first.machineCpu - brokerCpu - cpuClosed),
    rss,
  }
}

/** User and system time of all threads; undefined if the process is gone. */
function cpuOf(pid: number): number | undefined {
  const fields = read(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ')
  return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

function peakMemoryOf(pid: number): number | undefined {
  const peak = /VmHWM:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return peak === undefined ? undefined : Math.round(Number(peak) / 1000)
}

/** Everything but idle and waiting for disks. */
function machineCpu(): number {
  const fields = (read('/proc/stat') ?? '').split('\n', 1)[0]?.split(/\s+/).slice(1, 9).map(Number) ?? []
  const [, , , idle = 0, waiting = 0] = fields
  return (fields.reduce((sum, value) => sum + value, 0) - idle - waiting) / TICKS_PER_SECOND
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
