/** The state of a running application for the status line. */
export interface RunStatus {
  readonly state: string
  readonly tasks: number
  /** Source records processed since the start. */
  readonly processed: number
  /** Records in source topics that are still to be processed; undefined while not known. */
  readonly lag: number | undefined
  /** Greatest timestamp processed, ms since the epoch; -1 before the first record. */
  readonly streamTime: number
}

/** Makes status lines from the current status and the previous one. */
export class StatusLine {
  #processed = 0
  #time: number
  #status: RunStatus | undefined
  /** True if the status that the last text is about differs from the one before. */
  hasChanged = false

  constructor(now: number) {
    this.#time = now
  }

  text(status: RunStatus, now: number): string {
    const elapsed = Math.max(1, now - this.#time)
    const rate = Math.round(((status.processed - this.#processed) * 1000) / elapsed)
    this.hasChanged = !isSame(status, this.#status)
    this.#status = status
    this.#processed = status.processed
    this.#time = now
    return [
      status.state.toLowerCase(),
      `${status.tasks} ${status.tasks === 1 ? 'task' : 'tasks'}`,
      `${grouped(rate)} records/s`,
      `lag ${status.lag === undefined ? '?' : grouped(status.lag)}`,
      `stream time ${timeText(status.streamTime)}`,
    ].join(' | ')
  }
}

function isSame(a: RunStatus, b: RunStatus | undefined): boolean {
  return (
    a.state === b?.state &&
    a.tasks === b.tasks &&
    a.processed === b.processed &&
    a.lag === b.lag &&
    a.streamTime === b.streamTime
  )
}

/** Returns the last line, which sums up the run. */
export function closingLine(status: RunStatus, elapsed: number, commits: number): string {
  const seconds = (elapsed / 1000).toFixed(1)
  return `done: ${grouped(status.processed)} records in ${seconds} s, ${grouped(commits)} commits, lag ${
    status.lag === undefined ? '?' : grouped(status.lag)
  }, stream time ${timeText(status.streamTime)}`
}

function timeText(time: number): string {
  return time < 0 || time > 8.64e15 ? '-' : new Date(time).toISOString()
}

function grouped(value: number): string {
  return value.toLocaleString('en-US')
}
