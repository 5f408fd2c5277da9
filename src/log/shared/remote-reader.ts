import type { Run } from '../local/run.ts'
import { RunCursor } from '../local/run-cursor.ts'
import { PartitionMap, type LogReader, type Quiet, type RecordCursor } from '../log.ts'
import { systemClock } from '../../platform/clock.ts'
import { pageRuns, type PageMessage } from './batch.ts'
import { ConnectionLost, type Connection } from './connection.ts'
import { FETCH, type Frame } from './frames.ts'
import type { FetchMessage } from './session.ts'

const PAGE_BYTES = 256 * 1024
/** Bytes that are fetched and not handed over, of all partitions together. */
const FETCHED_BYTES = 4 * 1024 * 1024

/** What was fetched of a partition in one answer. */
interface Fetched {
  readonly runs: readonly Run[]
  /** Runs that were handed over. */
  taken: number
  readonly next: number
  readonly bytes: number
}

class Assigned {
  readonly topic: string
  readonly partition: number
  /** The offset after what was handed over. */
  position: number
  /** The offset after what was fetched. */
  reached: number
  end: number | undefined
  paused = false
  pages: Fetched[] = []
  error: unknown
  request: number | undefined
  /** When it became known that nothing is left, and when it was last known. */
  quietSince: number | undefined
  lastKnown = 0

  constructor(topic: string, partition: number, offset: number) {
    this.topic = topic
    this.partition = partition
    this.position = this.reached = offset
  }

  get isReady(): boolean {
    return !this.paused && (this.pages.length > 0 || this.error !== undefined)
  }
}

/**
 * Reads partitions through the process that holds the log. Each partition has one request under way: its answer is a
 * page, or waits for the next record. No page is asked for while enough is fetched.
 */
export class RemoteReader implements LogReader {
  readonly #connection: Connection
  readonly #fetchedBytes: number
  readonly #partitions = new PartitionMap<Assigned>()
  #bytes = 0
  #wake: (() => void) | undefined

  constructor(connection: Connection, fetchedBytes = FETCHED_BYTES) {
    this.#connection = connection
    this.#fetchedBytes = fetchedBytes
  }

  assign(topic: string, partition: number, offset: number): void {
    this.unassign(topic, partition)
    const assigned = new Assigned(topic, partition, offset)
    this.#partitions.set(topic, partition, assigned)
    this.#fetch(assigned)
  }

  unassign(topic: string, partition: number): void {
    const assigned = this.#partitions.get(topic, partition)
    if (assigned === undefined) return
    this.#partitions.delete(topic, partition)
    for (const { bytes } of assigned.pages) this.#bytes -= bytes
    if (assigned.request !== undefined) this.#connection.cancel(assigned.request)
    this.#fetchMore()
  }

  pause(topic: string, partition: number): void {
    const assigned = this.#partitions.get(topic, partition)
    if (assigned !== undefined) assigned.paused = true
  }

  resume(topic: string, partition: number): void {
    const assigned = this.#partitions.get(topic, partition)
    if (assigned === undefined) return
    assigned.paused = false
    if (assigned.isReady) this.#wake?.()
  }

  poll(receive: (topic: string, partition: number, cursor: RecordCursor) => void): number {
    let cursors = 0
    for (const [, , assigned] of this.#partitions.entries()) {
      cursors += this.#hand(assigned, receive)
      if (!assigned.paused && assigned.pages.length === 0 && assigned.error !== undefined) throw assigned.error
    }
    this.#fetchMore()
    return cursors
  }

  /** Hands over pages until the receiver pauses the partition or gives it back, which it may do at each cursor. */
  #hand(assigned: Assigned, receive: (topic: string, partition: number, cursor: RecordCursor) => void): number {
    const { topic, partition } = assigned
    const goesOn = (): boolean => !assigned.paused && this.#partitions.get(topic, partition) === assigned
    let cursors = 0
    for (let page = assigned.pages[0]; page !== undefined && goesOn(); page = assigned.pages[0]) {
      const run = page.runs[page.taken]
      if (run === undefined) {
        assigned.position = page.next
        assigned.pages.shift()
        this.#bytes -= page.bytes
        continue
      }
      page.taken++
      assigned.position = run.base + run.span
      receive(topic, partition, new RunCursor({ run, at: run.start, index: 0 }))
      cursors++
    }
    return cursors
  }

  onReady(wake: (() => void) | undefined): void {
    this.#wake = wake
    for (const [, , assigned] of this.#partitions.entries()) {
      if (!assigned.isReady) continue
      wake?.()
      return
    }
  }

  position(topic: string, partition: number): number | undefined {
    return this.#partitions.get(topic, partition)?.position
  }

  endOffset(topic: string, partition: number): number | undefined {
    return this.#partitions.get(topic, partition)?.end
  }

  quiet(topic: string, partition: number): Quiet | undefined {
    const assigned = this.#partitions.get(topic, partition)
    if (assigned?.quietSince === undefined || assigned.pages.length > 0) return undefined
    return { since: assigned.quietSince, until: assigned.lastKnown }
  }

  close(): void {
    for (const [topic, partition] of [...this.#partitions.entries()]) this.unassign(topic, partition)
    this.#wake = undefined
  }

  #fetchMore(): void {
    for (const [, , assigned] of this.#partitions.entries()) this.#fetch(assigned)
  }

  #fetch(assigned: Assigned): void {
    if (assigned.request !== undefined || assigned.error !== undefined) return
    // A partition without pages is always asked for: another one may be paused with all that was fetched.
    if (assigned.pages.length > 0 && (assigned.paused || this.#bytes >= this.#fetchedBytes)) return
    const { topic, partition, reached, end } = assigned
    const message: FetchMessage = { topic, partition, offset: reached, end: end ?? -1, bytes: PAGE_BYTES }
    const { request, answer } = this.#connection.ask(FETCH, message)
    assigned.request = request
    void answer.then(
      (frame) => this.#arrived(assigned, frame),
      (error: unknown) => this.#failed(assigned, error),
    )
  }

  #arrived(assigned: Assigned, frame: Frame): void {
    assigned.request = undefined
    if (this.#partitions.get(assigned.topic, assigned.partition) !== assigned) return
    const page = frame.message as PageMessage
    const now = systemClock.monotonic()
    const hadMoved = assigned.reached !== page.next
    assigned.reached = page.next
    assigned.end = page.end
    assigned.lastKnown = now
    assigned.quietSince = page.next === page.end ? (assigned.quietSince ?? now) : undefined
    if (page.runs.length > 0) {
      assigned.quietSince = page.next === page.end ? now : undefined
      const bytes = frame.buffer.length
      this.#bytes += bytes
      assigned.pages.push({ runs: pageRuns(page, frame), taken: 0, next: page.next, bytes })
    } else if (assigned.pages.length === 0) assigned.position = page.next
    this.#fetch(assigned)
    if (assigned.isReady || (hadMoved && !assigned.paused)) this.#wake?.()
  }

  #failed(assigned: Assigned, error: unknown): void {
    assigned.request = undefined
    // The reader is replaced by one of the next holder.
    if (error instanceof ConnectionLost || this.#partitions.get(assigned.topic, assigned.partition) !== assigned) return
    assigned.error = error
    if (assigned.isReady) this.#wake?.()
  }
}
