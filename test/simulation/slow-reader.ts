import type { LogReader, Quiet, RecordCursor, SeeKey } from '../../src/log/log.ts'
import { PartitionMap } from '../../src/log/log.ts'
import type { Headers } from '../../src/record/headers.ts'
import type { SimProcess } from './sim-process.ts'

/** A reader that hands over the records of another one in small pieces, some of them late. */
export class SlowReader implements LogReader {
  readonly #process: SimProcess
  readonly #inner: LogReader
  readonly #held = new PartitionMap<Piece[]>()
  readonly #positions = new PartitionMap<number>()
  readonly #paused = new PartitionMap<true>()
  #wake: (() => void) | undefined
  #wakeDue = false

  constructor(process: SimProcess, inner: LogReader) {
    this.#process = process
    this.#inner = inner
  }

  assign(topic: string, partition: number, offset: number): void {
    this.#process.assertAlive()
    this.#held.delete(topic, partition)
    this.#paused.delete(topic, partition)
    this.#positions.set(topic, partition, offset)
    this.#inner.assign(topic, partition, offset)
  }

  unassign(topic: string, partition: number): void {
    this.#held.delete(topic, partition)
    this.#paused.delete(topic, partition)
    this.#positions.delete(topic, partition)
    this.#inner.unassign(topic, partition)
  }

  pause(topic: string, partition: number): void {
    this.#paused.set(topic, partition, true)
    this.#inner.pause(topic, partition)
  }

  resume(topic: string, partition: number): void {
    this.#paused.delete(topic, partition)
    this.#inner.resume(topic, partition)
    this.#wakeLater()
  }

  poll(receive: (topic: string, partition: number, cursor: RecordCursor) => void): number {
    this.#process.assertAlive()
    const { random } = this.#process.schedule
    this.#inner.poll((topic, partition, cursor) => {
      const pieces = this.#held.get(topic, partition) ?? []
      this.#held.set(topic, partition, pieces)
      const total = cursor.remaining
      for (let at = 0; at < total;) {
        const size = this.#process.promptness === 1 ? total : Math.min(random.between(1, 8), total - at)
        at += size
        pieces.push(new Piece(cursor, size, cursor.endOffset - (total - at)))
      }
    })
    let handed = 0
    let isHolding = false
    for (const [topic, partition, pieces] of this.#held.entries()) {
      while (pieces.length > 0) {
        if (this.#paused.has(topic, partition)) break
        if (!random.chance(Math.max(0.6, this.#process.promptness))) {
          isHolding = true
          break
        }
        const piece = pieces.shift() as Piece
        this.#positions.set(topic, partition, piece.endOffset)
        receive(topic, partition, piece)
        handed++
        if (this.#held.get(topic, partition) !== pieces) break
      }
    }
    if (isHolding) this.#wakeLater()
    return handed
  }

  onReady(wake: (() => void) | undefined): void {
    this.#wake = wake
    this.#inner.onReady(wake === undefined ? undefined : () => this.#wakeLater())
  }

  position(topic: string, partition: number): number | undefined {
    const held = this.#held.get(topic, partition)
    return held === undefined || held.length === 0
      ? this.#inner.position(topic, partition)
      : this.#positions.get(topic, partition)
  }

  endOffset(topic: string, partition: number): number | undefined {
    return this.#inner.endOffset(topic, partition)
  }

  quiet(topic: string, partition: number): Quiet | undefined {
    return (this.#held.get(topic, partition)?.length ?? 0) > 0 ? undefined : this.#inner.quiet(topic, partition)
  }

  close(): void {
    this.#wake = undefined
    void this.#inner.close()
  }

  #wakeLater(): void {
    if (this.#wakeDue) return
    this.#wakeDue = true
    this.#process.later('records arrive', () => {
      this.#wakeDue = false
      this.#wake?.()
    })
  }
}

/** A number of records of a cursor, whose offsets have no gaps. The records of the piece before are taken first. */
class Piece implements RecordCursor {
  readonly #source: RecordCursor
  readonly endOffset: number
  remaining: number
  #begun = false

  constructor(source: RecordCursor, size: number, endOffset: number) {
    this.#source = source
    this.remaining = size
    this.endOffset = endOffset
  }

  next(): boolean {
    if (this.remaining === 0) return false
    this.#begun = true
    this.remaining--
    return this.#source.next()
  }

  get offset(): number {
    return this.#source.offset
  }

  get timestamp(): number {
    return this.#source.timestamp
  }

  get buffer(): Buffer {
    return this.#source.buffer
  }

  get keyStart(): number {
    return this.#source.keyStart
  }

  get keyEnd(): number {
    return this.#source.keyEnd
  }

  get valueStart(): number {
    return this.#source.valueStart
  }

  get valueEnd(): number {
    return this.#source.valueEnd
  }

  peekKeys(count: number, see: SeeKey): number {
    // Before the first record of this piece the source may still be in the piece before.
    if (!this.#begun) return -1
    return this.#source.peekKeys(Math.min(count, this.remaining), see)
  }

  headers(none: Headers): Headers {
    return this.#source.headers(none)
  }

  get bytes(): number {
    return this.#source.bytes
  }
}
