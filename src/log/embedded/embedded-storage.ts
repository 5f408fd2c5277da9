import { MillraceError } from '../../errors/millrace-error.ts'
import { isPromise } from '../../platform/maybe-promise.ts'
import { WriteBatch } from '../../engine/write-batch.ts'
import type { KeyValueEngine } from '../../engine/engine.ts'
import type { LogStorage, StoredContent, TopicIdentity } from '../local/local-log.ts'
import type { PartitionData } from '../local/partition-data.ts'
import type { StagedCommit } from '../local/staged-commit.ts'
import type { LocalPartition, LocalTopic } from '../local/local-topic.ts'
import type { CommittedOffset, PartitionMap, TopicSpec } from '../log.ts'
import { EmbeddedPartition } from './embedded-partition.ts'
import type { EndsKeeper } from './ends-keeper.ts'
import type { TopicEnds } from '../local/log-snapshot.ts'
import {
  decodeOffset,
  decodeOffsetKey,
  DELETED_TOPIC_KEY,
  encodeOffset,
  endOf,
  offsetKey,
  topicKey,
  topicOf,
} from './log-keys.ts'
import { StorageSnapshot } from './storage-snapshot.ts'
import { sealRun, TRAILER_BYTES } from './stored-run.ts'
import { TailBudget } from './tail-budget.ts'

/** Bytes of the newest records, of all partitions together, that are kept in memory. */
const TAIL_BYTES = 64 * 1024 * 1024

/** The row of a topic. */
export interface StoredTopic {
  readonly number: number
  readonly partitions: number
  readonly configs: Readonly<Record<string, string>>
}

interface WaitingCommit {
  readonly commit: StagedCommit
  readonly makeVisible: (commit: StagedCommit) => void
  readonly resolve: () => void
  readonly reject: (error: MillraceError) => void
}

/** Adds to the next write something that no commit waits for. */
type Chore = (batch: WriteBatch) => void

/**
 * Keeps a log in an engine. Commits of one turn of the event loop go into one write batch and cost one sync. The next
 * batch begins when that has been written.
 */
export class EmbeddedStorage implements LogStorage {
  readonly kind = 'embedded'
  readonly trailerBytes = TRAILER_BYTES
  readonly #engine: KeyValueEngine
  readonly #logId: string
  readonly #fsync: boolean
  readonly #budget = new TailBudget(TAIL_BYTES)
  readonly #topicNumbers = new Map<string, number>()
  /** Numbers of topics that the engine does not have yet: in the file of ends they would count as lost after a kill. */
  readonly #unwrittenTopics = new Set<number>()
  /** Groups that have committed offsets. */
  readonly #groups = new Set<string>()
  /** A number that is never given again: topic ids are made of numbers. */
  #highestDeletedTopic = 0
  readonly #partitions = new Map<PartitionData, EmbeddedPartition>()
  #waiting: WaitingCommit[] = []
  #chores: Chore[] = []
  /** True if one of the chores has to be synced. */
  #mustSync = false
  #draining: Promise<void> | undefined
  #failure: MillraceError | undefined
  #ends: EndsKeeper | undefined
  #isClosed = false

  constructor(engine: KeyValueEngine, logId: string, fsync: boolean) {
    this.#engine = engine
    this.#logId = logId
    this.#fsync = fsync
  }

  get partitions(): Iterable<EmbeddedPartition> {
    return this.#partitions.values()
  }

  /** The ends of all partitions, by topic, of the topics that the engine has. */
  get ends(): TopicEnds[] {
    const topics = new Map<number, { ends: number[]; configs: Readonly<Record<string, string>> }>()
    for (const { topicNumber, partition, endOffset, configs } of this.#partitions.values()) {
      let topic = topics.get(topicNumber)
      if (topic === undefined) topics.set(topicNumber, (topic = { ends: [], configs }))
      topic.ends[partition] = endOffset
    }
    return [...this.#topicNumbers].flatMap(([name, number]) => {
      const topic = topics.get(number)
      return topic === undefined || this.#unwrittenTopics.has(number) ? [] : [{ name, number, ...topic }]
    })
  }

  get groups(): string[] {
    return [...this.#groups]
  }

  /** Notifies `keeper` of writes from now on. */
  keepEnds(keeper: EndsKeeper): void {
    this.#ends = keeper
    keeper.write()
  }

  /** Reads what earlier processes left. To be called once, before anything else. */
  load(): StoredContent {
    this.#highestDeletedTopic = Number(this.#engine.get(DELETED_TOPIC_KEY)?.toString('latin1') ?? 0)
    const topics: TopicIdentity[] = []
    this.#forEach('t', (key, value) => {
      const name = topicOf(key)
      const stored: StoredTopic = JSON.parse(value.toString('utf8'))
      this.#topicNumbers.set(name, stored.number)
      topics.push(this.#identity(name, stored))
    })
    const offsets: [string, string, number, CommittedOffset][] = []
    this.#forEach('o', (key, value) => {
      const { groupId, topic, partition } = decodeOffsetKey(key)
      this.#groups.add(groupId)
      offsets.push([groupId, topic, partition, decodeOffset(value)])
    })
    return { topics, offsets }
  }

  /** Adds the rows of topics that lost theirs, so that the rest of their records is found. Called before `load`. */
  writeMissingTopics(topics: readonly TopicEnds[], batch: WriteBatch): void {
    for (const { name, number, ends, configs } of topics) {
      const stored: StoredTopic = { number, partitions: ends.length, configs }
      if (this.#engine.get(topicKey(name)) === undefined) batch.put(topicKey(name), Buffer.from(JSON.stringify(stored)))
    }
  }

  createTopic(spec: TopicSpec): TopicIdentity {
    const stored: StoredTopic = {
      number: Math.max(this.#highestDeletedTopic, ...this.#topicNumbers.values()) + 1,
      partitions: Math.max(1, spec.partitions),
      configs: spec.configs ?? {},
    }
    this.#topicNumbers.set(spec.name, stored.number)
    this.#unwrittenTopics.add(stored.number)
    this.#mustSync = true
    this.addChore((batch) => batch.put(topicKey(spec.name), Buffer.from(JSON.stringify(stored))))
    return this.#identity(spec.name, stored)
  }

  openPartition(topic: TopicIdentity, partition: number): EmbeddedPartition {
    const number = this.#topicNumbers.get(topic.name) ?? 0
    const opened = new EmbeddedPartition(topic.name, number, partition, topic.configs, this.#engine, this.#budget)
    this.#partitions.set(opened, opened)
    return opened
  }

  changeTopic(topic: LocalTopic, { name, partitions, configs }: TopicIdentity): void {
    const stored: StoredTopic = { number: this.#topicNumbers.get(name) ?? 0, partitions, configs }
    const kept = topic.partitions.flatMap(({ data }) => this.#partitions.get(data) ?? [])
    for (const partition of kept) partition.configs = configs
    this.#mustSync = true
    this.addChore((batch) => {
      batch.put(topicKey(name), Buffer.from(JSON.stringify(stored)))
      for (const partition of kept) if (partition.hasGaps) partition.writeBounds(batch)
    })
  }

  deleteTopic(topic: LocalTopic): void {
    this.#highestDeletedTopic = Math.max(this.#highestDeletedTopic, this.#topicNumbers.get(topic.name) ?? 0)
    this.#topicNumbers.delete(topic.name)
    const deleted = topic.partitions.flatMap(({ data }) => this.#partitions.get(data) ?? [])
    for (const partition of deleted) this.#partitions.delete(partition)
    const highest = Buffer.from(String(this.#highestDeletedTopic), 'latin1')
    this.#ends?.write()
    this.#mustSync = true
    this.addChore((batch) => {
      for (const partition of deleted) partition.writeDeletion(batch)
      batch.delete(topicKey(topic.name))
      batch.put(DELETED_TOPIC_KEY, highest)
    })
  }

  deleteOffsets(groupId: string, offsets: PartitionMap<CommittedOffset>): void {
    this.#mustSync = true
    this.addChore((batch) => {
      for (const [topic, partition] of offsets.entries()) batch.delete(offsetKey(groupId, topic, partition))
    })
  }

  publish(commit: StagedCommit, makeVisible: (commit: StagedCommit) => void): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    return new Promise((resolve, reject) => {
      this.#waiting.push({ commit, makeVisible, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  addChore(chore: Chore, isFirst = false): void {
    if (this.#failure !== undefined) return
    if (isFirst) this.#chores.unshift(chore)
    else this.#chores.push(chore)
    this.#draining ??= this.#drain()
  }

  /** True after a failed write: the storage takes nothing any more. */
  get hasFailed(): boolean {
    return this.#failure !== undefined
  }

  settled(): Promise<void> | undefined {
    if (this.#failure !== undefined) throw this.#failure
    return this.#draining?.then(() => {
      if (this.#failure !== undefined) throw this.#failure
    })
  }

  deleteBelow(partition: LocalPartition, offset: number): void {
    const data = this.#partitions.get(partition.data)
    if (data !== undefined) this.truncate(data, offset)
  }

  /** Goes before a waiting compaction: it deletes up to the run of the new start, as the engine has it before that. */
  truncate(partition: EmbeddedPartition, offset: number): void {
    partition.deleteBelow(offset)
    this.addChore((batch) => partition.writeTruncation(batch), true)
  }

  /** False after the topic was deleted. */
  has(partition: EmbeddedPartition): boolean {
    return this.#partitions.has(partition)
  }

  /** What was acknowledged before is in the snapshot: the engine had it by then. */
  openSnapshot(): StorageSnapshot {
    const content = { id: this.#logId, topics: this.ends, groups: this.groups }
    return new StorageSnapshot(this.#engine, content, () => !this.#isClosed)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#draining
    await this.#engine.close()
    this.#ends?.write(true)
  }

  /** Never rejects: each waiting commit gets the failure. */
  async #drain(): Promise<void> {
    await new Promise<void>((resolve) => setImmediate(resolve))
    while (this.#waiting.length > 0 || this.#chores.length > 0) {
      const waiting = this.#waiting
      this.#waiting = []
      try {
        await this.#write(waiting)
      } catch (cause) {
        this.#failure ??= writeFailed(cause)
        for (const { reject } of [...waiting, ...this.#waiting]) reject(this.#failure)
        this.#waiting = []
        this.#chores = []
      }
    }
    this.#draining = undefined
  }

  async #write(waiting: readonly WaitingCommit[]): Promise<void> {
    const batch = new WriteBatch()
    const chores = this.#chores
    const topics = [...this.#unwrittenTopics]
    this.#chores = []
    for (const chore of chores) chore(batch)
    const ends = new Map<PartitionData, number>()
    for (const { commit } of waiting) this.#addCommit(batch, commit, ends)
    const sync = this.#fsync && (waiting.length > 0 || this.#mustSync)
    this.#mustSync = false
    const written = this.#engine.write(batch, { sync })
    if (isPromise(written)) await written
    for (const number of topics) this.#unwrittenTopics.delete(number)
    this.#ends?.written()
    for (const { commit, makeVisible, resolve } of waiting) {
      makeVisible(commit)
      resolve()
    }
  }

  #addCommit(batch: WriteBatch, commit: StagedCommit, ends: Map<PartitionData, number>): void {
    for (const { partition, run } of commit.runs) {
      const stored = this.#partitions.get(partition.data)
      // Its topic was deleted meanwhile.
      if (stored === undefined) continue
      const base = ends.get(stored) ?? stored.endOffset
      ends.set(stored, base + run.span)
      batch.put(stored.runKey(base), sealRun(run, stored.checked))
    }
    if (commit.offsets === undefined || commit.groupId === undefined) return
    this.#groups.add(commit.groupId)
    for (const [topic, partition, offset] of commit.offsets.entries()) {
      batch.put(offsetKey(commit.groupId, topic, partition), encodeOffset(offset))
    }
  }

  #identity(name: string, stored: StoredTopic): TopicIdentity {
    return { name, id: `${this.#logId}-${stored.number}`, partitions: stored.partitions, configs: stored.configs }
  }

  #forEach(letter: string, visit: (key: Buffer, value: Buffer) => void): void {
    const rows = this.#engine.iterate({ gte: Buffer.from(letter), lt: endOf(letter) })
    try {
      while (rows.next()) visit(rows.key, rows.value)
    } finally {
      rows.close()
    }
  }
}

function writeFailed(cause: unknown): MillraceError {
  const reason = cause instanceof MillraceError ? cause : undefined
  const why = reason === undefined ? '' : `: ${reason.message}`
  return new MillraceError('MR_LOG_FAILED', `the log could not be written and takes no more${why}`, {
    hint: `${reason?.hint ?? 'Make room on the disk.'} Then open the log again: it has what was committed before.`,
    cause,
  })
}
