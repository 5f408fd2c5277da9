import type { LocalLog } from '../../src/log/local/local-log.ts'
import { partitionOf } from './world.ts'

/** The orders of each key, as the log has them. */
export class OrderedKeys {
  readonly #log: LocalLog
  /** By key: offsets of its orders. */
  readonly #offsets = new Map<string, number[]>()
  readonly #read = new Map<number, number>()

  constructor(log: LocalLog) {
    this.#log = log
  }

  count(key: string, before: number): number {
    const partition = partitionOf(key)
    this.#readTo(partition)
    return this.#offsets.get(key)?.filter((offset) => offset < before).length ?? 0
  }

  #readTo(partition: number): void {
    const reader = this.#log.openReader()
    reader.assign('orders', partition, this.#read.get(partition) ?? 0)
    const poll = (): number =>
      reader.poll((_topic, _partition, cursor) => {
        while (cursor.next()) {
          const key = cursor.buffer.toString('utf8', cursor.keyStart, cursor.keyEnd)
          const offsets = this.#offsets.get(key)
          if (offsets === undefined) this.#offsets.set(key, [cursor.offset])
          else offsets.push(cursor.offset)
          this.#read.set(partition, cursor.offset + 1)
        }
      })
    while (poll() > 0);
    void reader.close()
  }
}
