import { randomUUID } from 'node:crypto'
import type { KeyValueEngine } from '../../engine/engine.ts'
import { WriteBatch } from '../../engine/write-batch.ts'
import { isPromise } from '../../platform/maybe-promise.ts'
import { isCompacted } from './cleanup-policy.ts'
import { UNREADABLE, type DamagedRows } from './damaged-rows.ts'
import type { Bounds } from './embedded-partition.ts'
import type { StoredTopic } from './embedded-storage.ts'
import type { LogContent, TopicEnds } from '../local/log-snapshot.ts'
import type { LogEnds } from './log-ends.ts'
import {
  decodeOffsetKey,
  DELETED_TOPIC_KEY,
  endOf,
  LOG_KEY,
  offsetKey,
  partitionKey,
  runKey,
  topicKey,
  topicOf,
} from './log-keys.ts'
import { shortened, type Loss } from './log-loss.ts'
import { SalvagedRuns } from './salvaged-runs.ts'
import { MAX_SPAN, sealHole } from './stored-run.ts'

/** Approximate bytes of one write. */
const WRITE_BYTES = 1 << 20
/** Numbers left out where nobody knows how many topics were deleted: none of theirs may be given again. */
const NUMBERS_PASSED = 1_000_000

/** The content of a salvaged log, and its losses. */
export interface SalvagedRows extends LogContent {
  readonly losses: readonly Loss[]
  /** False if committed offsets may be missing. */
  readonly hasAllOffsets: boolean
}

/** Copies what can be read of a log into an empty engine, with holes for what cannot. */
export class RowsSalvage {
  readonly #rows: DamagedRows | undefined
  readonly #lacksTables: boolean
  readonly #to: KeyValueEngine
  readonly #losses: Loss[] = []
  #batch = new WriteBatch()
  #bytes = 0

  /**
   * @param rows undefined if nothing can be read
   * @param lacksTables true if rows may be missing, or older than they were, without an error
   */
  constructor(rows: DamagedRows | undefined, lacksTables: boolean, to: KeyValueEngine) {
    this.#rows = rows
    this.#lacksTables = lacksTables
    this.#to = to
  }

  /** @param before what the log is known to have had */
  async copy(before: LogEnds | undefined): Promise<SalvagedRows> {
    const stored = this.#rows?.get(LOG_KEY)
    const storedId = Buffer.isBuffer(stored) ? stored.toString('utf8') : undefined
    const isOther = before?.id !== undefined && storedId !== undefined && storedId !== before.id
    const known = isOther ? [] : (before?.topics ?? [])
    if (isOther) this.#losses.push(...shortened(before.topics, []))
    const topics = this.#topics(known)
    this.#copyHighestDeleted([...topics.values()])
    const groups = new Set(before?.groups)
    const hasAllOffsets = this.#copyOffsets(topics, groups, before?.groups !== undefined && !this.#lacksTables)
    const ends: TopicEnds[] = []
    for (const [name, topic] of topics) {
      const its = known.find(({ number }) => number === topic.number)
      const ended: number[] = []
      for (let partition = 0; partition < topic.partitions; partition++) {
        ended.push(await this.#copyPartition(name, topic, partition, its?.ends[partition] ?? 0))
      }
      ends.push({ name, number: topic.number, ends: ended, configs: topic.configs })
    }
    const id = storedId ?? before?.id ?? randomUUID()
    this.#put(LOG_KEY, Buffer.from(id))
    await this.#write(true)
    return { id, topics: ends, groups: [...groups], losses: this.#losses, hasAllOffsets }
  }

  #topics(known: readonly TopicEnds[]): Map<string, StoredTopic> {
    const topics = new Map<string, StoredTopic>()
    const take = (key: Buffer, value: Buffer): void => void topics.set(topicOf(key), JSON.parse(value.toString('utf8')))
    this.#scan('t', take)
    for (const { name, number, ends, configs } of known) {
      if (topics.has(name)) continue
      const own = this.#rows?.get(topicKey(name))
      if (Buffer.isBuffer(own)) take(topicKey(name), own)
      else topics.set(name, { number, partitions: ends.length, configs })
    }
    for (const [name, topic] of topics) this.#put(topicKey(name), Buffer.from(JSON.stringify(topic)))
    return topics
  }

  #copyHighestDeleted(topics: readonly StoredTopic[]): void {
    const stored = this.#lacksTables ? UNREADABLE : this.#rows?.get(DELETED_TOPIC_KEY)
    if (stored === undefined && this.#rows !== undefined) return
    const passed = Math.max(0, ...topics.map(({ number }) => number)) + NUMBERS_PASSED
    this.#put(DELETED_TOPIC_KEY, Buffer.isBuffer(stored) ? stored : Buffer.from(String(passed), 'latin1'))
  }

  /**
   * Copies committed offsets. If rows cannot be read in order, those of known groups are looked up one by one.
   *
   * @param groups ids that are known; those that are found are added
   * @returns true if no offset can be missing
   */
  #copyOffsets(topics: ReadonlyMap<string, StoredTopic>, groups: Set<string>, areAllKnown: boolean): boolean {
    const isWhole = this.#scan('o', (key, value) => {
      groups.add(decodeOffsetKey(key).groupId)
      this.#put(key, value)
    })
    if (isWhole) return !this.#lacksTables
    let hasAll = areAllKnown
    for (const group of groups) {
      for (const [topic, { partitions }] of topics) {
        for (let partition = 0; partition < partitions; partition++) {
          const key = offsetKey(group, topic, partition)
          const value = this.#rows === undefined ? UNREADABLE : this.#rows.get(key)
          if (value === UNREADABLE) hasAll = false
          else if (value !== undefined) this.#put(key, value)
        }
      }
    }
    return hasAll
  }

  /** @returns the end of the partition */
  async #copyPartition(name: string, topic: StoredTopic, partition: number, recorded: number): Promise<number> {
    const put = (run: { readonly key: Buffer; readonly value: Buffer }): void => this.#put(run.key, run.value)
    const lose = (from: number, to: number, how: string): void => {
      this.#losses.push({ topic: name, partition, from, to, text: `${name}-${partition} ${how}` })
    }
    const bounds = this.#boundsOf(topic.number, partition)
    const hasGaps = isCompacted(topic) || bounds?.hasGaps === true
    const leastEnd = Math.max(bounds?.end ?? 0, recorded)
    let at = bounds?.start ?? 0
    let isUnreadable = false
    if (this.#rows !== undefined) {
      const runs = new SalvagedRuns(this.#rows, topic.number, partition)
      const holder = at === 0 ? undefined : runs.holderOf(at)
      if (holder !== undefined) {
        put(holder)
        at = holder.end
      }
      for (;;) {
        at = runs.follow(at, (run) => {
          put(run)
          return this.#bytes < WRITE_BYTES
        })
        if (this.#bytes >= WRITE_BYTES) {
          await this.#write(false)
          continue
        }
        const { run, wasUnreadable } = runs.next(at, leastEnd)
        isUnreadable = wasUnreadable
        if (run === undefined) break
        if (run.base > at && (wasUnreadable || this.#lacksTables || !hasGaps)) {
          lose(at, run.base, `lacks ${at} to ${run.base - 1}`)
          if (!hasGaps) this.#putHole(topic.number, partition, at, run.base)
        }
        put(run)
        at = run.end
      }
    }
    const end = Math.max(at, leastEnd)
    if (end > at) {
      lose(at, end, `ends at ${at}, ${end} is recorded`)
      this.#putHole(topic.number, partition, at, end)
    } else if (isUnreadable) lose(at, at, `cannot be read from ${at} on`)
    return end
  }

  /** Copies the bounds. Without them a partition begins at 0, and what retention deleted counts as lost, too. */
  #boundsOf(topic: number, partition: number): Bounds | undefined {
    const stored = this.#rows?.get(partitionKey(topic, partition))
    if (!Buffer.isBuffer(stored)) return undefined
    this.#put(partitionKey(topic, partition), stored)
    return JSON.parse(stored.toString('utf8'))
  }

  #putHole(topic: number, partition: number, from: number, to: number): void {
    const isChecked = this.#to.name === 'level'
    for (let base = from; base < to; base += MAX_SPAN) {
      this.#put(runKey(topic, partition, base), sealHole(base, Math.min(MAX_SPAN, to - base), isChecked))
    }
  }

  /** Visits rows from both ends of their letter up to unreadable ones. @returns true if all were visited */
  #scan(letter: string, visit: (key: Buffer, value: Buffer) => void): boolean {
    if (this.#rows === undefined) return false
    const range = { gte: Buffer.from(letter), lt: endOf(letter) }
    const show = ({ key, value }: { readonly key: Buffer; readonly value: Buffer }): boolean => {
      visit(key, value)
      return true
    }
    if (this.#rows.each(range, show)) return true
    this.#rows.each({ ...range, reverse: true }, show)
    return false
  }

  #put(key: Buffer, value: Buffer): void {
    this.#batch.put(key, value)
    this.#bytes += key.length + value.length
  }

  async #write(sync: boolean): Promise<void> {
    const batch = this.#batch
    this.#batch = new WriteBatch()
    this.#bytes = 0
    const written = this.#to.write(batch, { sync })
    if (isPromise(written)) await written
  }
}
