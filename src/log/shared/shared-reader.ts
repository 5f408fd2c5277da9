import { KeptAlive } from '../../platform/kept-alive.ts'
import { PartitionMap, type LogReader, type Quiet, type ReaderOptions, type RecordCursor } from '../log.ts'

interface Place {
  position: number
  paused: boolean
}

/** Opens a reader of the log as it is reached now. */
export type OpenReader = (options: ReaderOptions) => LogReader

/** A reader that goes on from where it was when the log changes hands. */
export class SharedReader implements LogReader {
  readonly #options: ReaderOptions
  readonly #onClose: (reader: SharedReader) => void
  readonly #places = new PartitionMap<Place>()
  #inner: LogReader | undefined
  #failure: unknown
  #wake: (() => void) | undefined
  /** Present while partitions are assigned: records may come from another process. */
  #alive: KeptAlive | undefined

  constructor(options: ReaderOptions, onClose: (reader: SharedReader) => void) {
    this.#options = options
    this.#onClose = onClose
  }

  /** Reads from here on through what `open` returns. */
  connect(open: OpenReader): void {
    const inner = open(this.#options)
    this.#inner = inner
    for (const [topic, partition, { position, paused }] of this.#places.entries()) {
      inner.assign(topic, partition, position)
      if (paused) inner.pause(topic, partition)
    }
    inner.onReady(this.#wake)
  }

  /** Waits for the next `connect`. What was fetched and not handed over is fetched again. */
  disconnect(): void {
    const inner = this.#inner
    if (inner === undefined) return
    this.#inner = undefined
    for (const [topic, partition, place] of this.#places.entries()) {
      place.position = inner.position(topic, partition) ?? place.position
    }
    void inner.close()
  }

  /** Makes every later poll throw: nobody can be reached. */
  fail(error: unknown): void {
    this.disconnect()
    this.#rest()
    this.#failure = error
    this.#wake?.()
  }

  assign(topic: string, partition: number, offset: number): void {
    this.#places.set(topic, partition, { position: offset, paused: false })
    this.#alive ??= new KeptAlive()
    this.#inner?.assign(topic, partition, offset)
  }

  unassign(topic: string, partition: number): void {
    this.#places.delete(topic, partition)
    if (this.#places.size === 0) this.#rest()
    this.#inner?.unassign(topic, partition)
  }

  pause(topic: string, partition: number): void {
    this.#setPaused(topic, partition, true)
    this.#inner?.pause(topic, partition)
  }

  resume(topic: string, partition: number): void {
    this.#setPaused(topic, partition, false)
    this.#inner?.resume(topic, partition)
  }

  poll(receive: (topic: string, partition: number, cursor: RecordCursor) => void): number {
    if (this.#failure !== undefined) throw this.#failure
    return this.#inner?.poll(receive) ?? 0
  }

  onReady(wake: (() => void) | undefined): void {
    this.#wake = wake
    this.#inner?.onReady(wake)
    if (this.#failure !== undefined) wake?.()
  }

  position(topic: string, partition: number): number | undefined {
    return this.#inner?.position(topic, partition) ?? this.#places.get(topic, partition)?.position
  }

  endOffset(topic: string, partition: number): number | undefined {
    return this.#inner?.endOffset(topic, partition)
  }

  quiet(topic: string, partition: number): Quiet | undefined {
    return this.#inner?.quiet(topic, partition)
  }

  async close(): Promise<void> {
    this.#onClose(this)
    this.#places.clear()
    this.#rest()
    this.#wake = undefined
    const inner = this.#inner
    this.#inner = undefined
    await inner?.close()
  }

  #rest(): void {
    this.#alive?.release()
    this.#alive = undefined
  }

  #setPaused(topic: string, partition: number, paused: boolean): void {
    const place = this.#places.get(topic, partition)
    if (place !== undefined) place.paused = paused
  }
}
