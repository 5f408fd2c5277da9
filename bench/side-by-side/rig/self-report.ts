import type { MemoryUse, Streams } from '../../../src/index.ts'

/** What a runner says of itself each so often. Sizes in bytes. */
export interface SelfReport {
  /** ms since the epoch. */
  readonly time: number
  /** Records seen by the user's function. */
  readonly seen: number
  readonly running: boolean
  readonly tasks: number
  readonly lag: number
  readonly commits: number
  readonly redone: number
  readonly rss: number
  readonly heapTotal: number
  readonly heapUsed: number
  readonly external: number
  readonly arrayBuffers: number
  /** What the application says it uses of its memory. */
  readonly memory: MemoryUse
}

const NAME = 'SELF'

/** The line for `parseSelfReport`. Where Node exposes its garbage collector, what is garbage does not count. */
export function selfReport(streams: Streams, seen: number): string {
  globalThis.gc?.()
  const { state, tasks, lag, commits, redone, memory } = streams.status()
  const report: SelfReport = {
    time: Date.now(),
    seen,
    running: state === 'running',
    tasks: tasks.length,
    lag,
    commits,
    redone,
    ...process.memoryUsage(),
    memory,
  }
  return `${NAME} ${JSON.stringify(report)}`
}

/** Undefined if the line is another one. */
export function parseSelfReport(line: string): SelfReport | undefined {
  return line.startsWith(`${NAME} `) ? (JSON.parse(line.slice(NAME.length + 1)) as SelfReport) : undefined
}
