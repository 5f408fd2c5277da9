import { setTimeout as pause } from 'node:timers/promises'
import { bytes, readTopic, topic, type Log } from '../../../src/index.ts'
import { median } from '../rig/median.ts'

const SECOND = 1000
/** ms between two looks at how many have arrived. */
const LOOK = 100

/** When committed records of a topic's partitions arrived at this process, ms since the epoch. */
export class Arrivals {
  /** By partition; each moment once. */
  readonly #times: number[][]
  #records = 0
  readonly #stop = new AbortController()
  readonly #done: Promise<void>

  constructor(log: Log, name: string, partitions: number) {
    this.#times = Array.from({ length: partitions }, () => [])
    this.#done = this.#follow(log, name)
    // `stop` rejects with the error.
    this.#done.catch(() => {})
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#done
  }

  /** Resolves when so many records have arrived. @throws what reading the topic throws */
  async count(records: number): Promise<void> {
    while (this.#records < records) await Promise.race([pause(LOOK), this.#done])
  }

  async #follow(log: Log, name: string): Promise<void> {
    const { signal } = this.#stop
    for await (const { partition } of readTopic(log, topic(name, { key: bytes(), value: bytes() }), { signal })) {
      this.#records++
      const times = this.#times[partition]
      const now = Date.now()
      if (times !== undefined && times.at(-1) !== now) times.push(now)
    }
  }

  /** The longest time without an arrival that lies in a span of time, or partly so; ms. */
  longestGap(partition: number, from: number, to: number): number {
    let longest = 0
    let before = from
    for (const time of this.#times[partition] ?? []) {
      if (time > from && before < to) longest = Math.max(longest, time - before)
      before = time
    }
    return before < to ? Math.max(longest, to - before) : longest
  }

  /** The longest gap within a second, as the median of all seconds of a span of time and all partitions; ms. */
  usualGap(from: number, to: number): number {
    const gaps: number[] = []
    for (let partition = 0; partition < this.#times.length; partition++) {
      for (let second = from; second + SECOND <= to; second += SECOND) {
        gaps.push(this.longestGap(partition, second, second + SECOND))
      }
    }
    return median(gaps)
  }
}
