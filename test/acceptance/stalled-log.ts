import type { Log } from '../../src/index.ts'
import type { LogReader } from '../../src/log/log.ts'

/** A log whose readers get no records of some topics until `release`. */
export function stalled(
  log: Log,
  isStalled: (topic: string) => boolean,
): { readonly log: Log; readonly release: () => void } {
  const readers = new Set<StalledReader>()
  let stalling = true
  const openReader = (): LogReader => {
    if (!stalling) return log.openReader()
    const reader = new StalledReader(log.openReader(), isStalled)
    readers.add(reader)
    return reader
  }
  return {
    log: new Proxy(log, {
      get(target, name) {
        if (name === 'openReader') return openReader
        const member: unknown = Reflect.get(target, name, target)
        return typeof member === 'function' ? member.bind(target) : member
      },
    }),
    release() {
      stalling = false
      for (const reader of readers) reader.release()
    },
  }
}

class StalledReader implements LogReader {
  readonly #reader: LogReader
  readonly #isStalled: (topic: string) => boolean
  readonly #held = new Map<string, readonly [topic: string, partition: number, offset: number]>()
  #stalling = true

  constructor(reader: LogReader, isStalled: (topic: string) => boolean) {
    this.#reader = reader
    this.#isStalled = isStalled
  }

  assign(topic: string, partition: number, offset: number): void {
    if (this.#stalling && this.#isStalled(topic)) this.#held.set(`${topic}/${partition}`, [topic, partition, offset])
    else this.#reader.assign(topic, partition, offset)
  }

  release(): void {
    this.#stalling = false
    for (const [topic, partition, offset] of this.#held.values()) this.#reader.assign(topic, partition, offset)
    this.#held.clear()
  }

  unassign(topic: string, partition: number): void {
    if (!this.#held.delete(`${topic}/${partition}`)) this.#reader.unassign(topic, partition)
  }

  pause(topic: string, partition: number): void {
    this.#reader.pause(topic, partition)
  }

  resume(topic: string, partition: number): void {
    this.#reader.resume(topic, partition)
  }

  poll(receive: Parameters<LogReader['poll']>[0]): number {
    return this.#reader.poll(receive)
  }

  onReady(wake: (() => void) | undefined): void {
    this.#reader.onReady(wake)
  }

  position(topic: string, partition: number): number | undefined {
    const held = this.#held.get(`${topic}/${partition}`)
    return held === undefined ? this.#reader.position(topic, partition) : held[2]
  }

  endOffset(topic: string, partition: number): number | undefined {
    return this.#reader.endOffset(topic, partition)
  }

  quiet(topic: string, partition: number): ReturnType<LogReader['quiet']> {
    return this.#reader.quiet(topic, partition)
  }

  close(): ReturnType<LogReader['close']> {
    return this.#reader.close()
  }
}
