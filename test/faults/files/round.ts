import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync, closeSync, copyFileSync, existsSync, mkdirSync } from 'node:fs'
import { openSync, readFileSync, renameSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export type FilesFault = 'kill' | 'rename' | 'copyTruncate' | 'twin'

export interface FilesRound {
  readonly seed: number
  readonly directory: string
  /** Undefined: an embedded log. */
  readonly brokers: string | undefined
  readonly lines: number
  readonly faults: number
}

export interface FilesResult {
  readonly faults: ReadonlyMap<FilesFault, number>
  readonly lost: number
  readonly doubled: number
  /** Lines that nobody wrote. */
  readonly torn: number
}

/** ms in which everything that was written must arrive after the last fault. */
const LIMIT = 120_000

/**
 * Writes lines into a log while a process reads it into a topic and writes the topic into a file. The process is
 * killed, the log renamed or copied and truncated, and on Kafka a process is stopped, replaced by another one and woken
 * up. Then every line must be in the file, once.
 */
export async function filesRound({ seed, directory, brokers, lines, faults }: FilesRound): Promise<FilesResult> {
  const random = mulberry(seed)
  const log = join(directory, 'in/app.log')
  const out = join(directory, 'out/lines.txt')
  mkdirSync(join(directory, 'in'), { recursive: true })
  const start = (): ChildProcess => started(directory, `faults-${process.pid}-${seed}`, brokers)
  const done = new Map<FilesFault, number>()
  const kinds: FilesFault[] = [
    'kill',
    'kill',
    'rename',
    'copyTruncate',
    ...(brokers === undefined ? [] : ['twin' as const]),
  ]
  let child = start()
  const zombies: ChildProcess[] = []
  let written = 0
  const write = (count: number): void => {
    const from = written
    written = Math.min(lines, written + count)
    appendFileSync(log, Array.from({ length: written - from }, (_, index) => `line ${from + index}\n`).join(''))
  }
  try {
    await arrived(() => existsSync(out), child)
    for (let fault = 0; fault < faults; fault++) {
      const until = Math.floor((lines * (fault + 1)) / (faults + 1))
      while (written < until) {
        write(1 + Math.floor(random() * 200))
        await sleep(random() * 10)
      }
      // What is read, and what is written, is as good as any moment.
      await sleep(random() * 300)
      const kind = kinds[Math.floor(random() * kinds.length)]!
      done.set(kind, (done.get(kind) ?? 0) + 1)
      if (kind === 'rename') renameSync(log, `${log}.${fault}`)
      else if (kind === 'copyTruncate') {
        copyFileSync(log, `${log}.${fault}`)
        truncateSync(log)
      } else if (kind === 'twin') {
        child.kill('SIGSTOP')
        zombies.push(child)
        child = start()
        write(100)
        await sleep(2000)
        zombies.at(-1)!.kill('SIGCONT')
      } else {
        await ended(child)
        child = start()
      }
    }
    write(lines)
    await arrived(() => linesOf(out).length >= lines, child)
    // What comes twice comes late.
    await sleep(1000)
  } finally {
    for (const each of [child, ...zombies]) await ended(each)
  }
  return { faults: done, ...counted(linesOf(out), lines) }
}

function counted(found: readonly string[], lines: number): Omit<FilesResult, 'faults'> {
  const times = new Map<string, number>()
  for (const line of found) times.set(line, (times.get(line) ?? 0) + 1)
  let [lost, doubled] = [0, 0]
  for (let index = 0; index < lines; index++) {
    const count = times.get(`line ${index}`) ?? 0
    if (count === 0) lost++
    doubled += Math.max(0, count - 1)
    times.delete(`line ${index}`)
  }
  return { lost, doubled, torn: times.size }
}

function linesOf(path: string): string[] {
  return readFileSync(path, 'utf8').split('\n').slice(0, -1)
}

function started(directory: string, id: string, brokers: string | undefined): ChildProcess {
  const program = join(import.meta.dirname, 'process.ts')
  const given = [directory, id, ...(brokers === undefined ? [] : [brokers])]
  const errors = openSync(join(directory, 'errors'), 'a')
  const child = spawn(process.execPath, ['--conditions=millrace-source', program, ...given], {
    stdio: ['ignore', 'ignore', errors],
  })
  closeSync(errors)
  children.add(child)
  return child
}

/** Processes that must not outlive this one. */
const children = new Set<ChildProcess>()
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL')
})

async function ended(child: ChildProcess): Promise<void> {
  children.delete(child)
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGKILL')
  await once(child, 'exit')
}

/** Waits until something is true, or the time is up: what is missing then is counted as lost. */
async function arrived(isTrue: () => boolean, child: ChildProcess): Promise<void> {
  for (const begun = performance.now(); !isTrue(); await sleep(50))
    if (performance.now() - begun > LIMIT || child.exitCode !== null) return
}

/** A generator of random numbers from 0 to 1, by a seed. */
function mulberry(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
