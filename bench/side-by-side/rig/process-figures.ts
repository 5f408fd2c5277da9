import { readFileSync } from 'node:fs'

const TICKS_PER_SECOND = 100

/** User and system time of all threads, s; undefined if the process is gone. */
export function cpuOf(pid: number): number | undefined {
  const fields = read(`/proc/${pid}/stat`)?.split(') ').at(-1)?.split(' ')
  return fields === undefined ? undefined : (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Largest resident memory so far, MB. */
export function peakMemoryOf(pid: number): number | undefined {
  const peak = /VmHWM:\s+(\d+) kB/.exec(read(`/proc/${pid}/status`) ?? '')?.[1]
  return peak === undefined ? undefined : Math.round(Number(peak) / 1000)
}

/** Bytes that a process has had written to disks so far. */
export function writtenBytesOf(pid: number): number | undefined {
  const bytes = /^write_bytes: (\d+)/m.exec(read(`/proc/${pid}/io`) ?? '')?.[1]
  return bytes === undefined ? undefined : Number(bytes)
}

/** CPU of everything on the machine, s: all but idle and waiting for disks. */
export function machineCpu(): number {
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
