import type { Clock, TimerHandle } from '../platform/clock.ts'
import { silentLogger, type Logger } from './application.ts'

/** Monotonic ms between two lines that count what was repeated. */
export const COUNTING_INTERVAL = 10_000

/** The subject of a line. Lines with the same message, subject and reason are of one kind. */
type Subject = 'node' | 'store' | 'thread' | 'application' | 'topic'

interface Kind {
  readonly subject: Subject
  readonly name: string
  readonly reason: string
  readonly message: string
  /** Lines that were counted instead of written since the last line. */
  repeated: number
}

/**
 * Log lines that may come with every record. The first of a kind is written whole, with its place; the others are
 * counted. Their count is written every ten seconds and at the close, so that none is lost. A kind that does not come
 * for ten seconds begins again.
 */
export class RepeatedLines {
  readonly #logger: Logger
  readonly #clock: Clock
  /** Kinds by message, name and reason. They are looked up with every record, so that no combined key may be built. */
  readonly #kinds = new Map<string, Map<string, Map<string, Kind>>>()
  #since = 0
  #timer: TimerHandle | undefined

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger
    this.#clock = clock
  }

  /** True if the line is to be written; otherwise it has been counted. Allocates nothing for a known kind. */
  isFirst(message: string, subject: Subject, name: string, reason: string): boolean {
    if (this.#logger === silentLogger) return false
    const kind = this.#kinds.get(message)?.get(name)?.get(reason)
    if (kind === undefined) {
      this.#add({ subject, name, reason, message, repeated: 0 })
      return true
    }
    kind.repeated++
    return false
  }

  /** Writes the line if it is the first of its kind. */
  warn(message: string, subject: Subject, name: string, reason: string, fields: object): void {
    if (this.isFirst(message, subject, name, reason)) this.#logger.warn(fields, message)
  }

  /** Writes the remaining counts. Later lines begin again. */
  close(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#count()
    this.#kinds.clear()
  }

  #add(kind: Kind): void {
    const names = this.#kinds.get(kind.message) ?? new Map<string, Map<string, Kind>>()
    const reasons = names.get(kind.name) ?? new Map<string, Kind>()
    this.#kinds.set(kind.message, names.set(kind.name, reasons.set(kind.reason, kind)))
    if (this.#timer === undefined) this.#start()
  }

  #start(): void {
    this.#since = this.#clock.monotonic()
    this.#timer = this.#clock.schedule(COUNTING_INTERVAL, () => {
      this.#count()
      if (this.#kinds.size > 0) this.#start()
      else this.#timer = undefined
    })
  }

  #count(): void {
    const interval = this.#clock.monotonic() - this.#since
    for (const [message, names] of this.#kinds) {
      for (const [name, reasons] of names) {
        for (const [reason, kind] of reasons) {
          if (kind.repeated === 0) reasons.delete(reason)
          else
            this.#logger.warn({ [kind.subject]: name, reason, count: kind.repeated, interval }, `${message} (repeated)`)
          kind.repeated = 0
        }
        if (reasons.size === 0) names.delete(name)
      }
      if (names.size === 0) this.#kinds.delete(message)
    }
  }
}
