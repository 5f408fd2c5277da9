import type { KeyValueEngine } from '../../engine/engine.ts'
import type { WriteBatch } from '../../engine/write-batch.ts'
import { isMillraceError, MillraceError, withPlace } from '../../errors/millrace-error.ts'
import { firstAtOrAfter, MemoryPartition, type PartitionData } from '../local/partition-data.ts'
import type { Run } from '../local/run.ts'
import { isCompacted } from './cleanup-policy.ts'
import { baseOf, partitionKey, runKey } from './log-keys.ts'
import { MAX_SPAN, openRun, sealHole, type StoredRun } from './stored-run.ts'
import type { TailBudget } from './tail-budget.ts'
import { ACCEPT_LOSS } from './accept-loss.ts'

/** The row of a partition beside those of its runs. */
export interface Bounds {
  readonly start: number
  /** The offset of the next record, needed if no run is left. */
  readonly end: number
  /** The offset below which the partition has been compacted. */
  readonly cleanedTo: number
  /** Records that the last compaction left. */
  readonly cleanedRecords: number
  /** True if it is compacted, or was before its configs were altered. */
  readonly hasGaps?: true
}

/** Offsets that no run holds. */
export interface Hole {
  readonly from: number
  /** Exclusive. */
  readonly to: number
}

/** A partition in an engine. Memory has its newest runs, so that readers at the end never touch the engine. */
export class EmbeddedPartition implements PartitionData {
  startOffset: number
  endOffset = 0
  cleanedTo: number
  cleanedRecords: number
  /** Greatest timestamp known: after opening that of the newest run. */
  maxTimestamp = -1
  /** Offset of the last run: neither compaction nor retention touches it. */
  lastRunBase: number
  readonly topic: string
  readonly topicNumber: number
  readonly partition: number
  /** True if runs carry checksums: LevelDB does not verify those of its tables. */
  readonly checked: boolean
  readonly #engine: KeyValueEngine
  readonly #tail: MemoryPartition
  readonly #budget: TailBudget
  #configs: Readonly<Record<string, string>>
  #hasGaps: boolean

  constructor(
    topic: string,
    topicNumber: number,
    partition: number,
    configs: Readonly<Record<string, string>>,
    engine: KeyValueEngine,
    budget: TailBudget,
  ) {
    this.topic = topic
    this.topicNumber = topicNumber
    this.partition = partition
    this.#configs = configs
    this.#engine = engine
    this.checked = engine.name === 'level'
    this.#budget = budget
    const bounds = this.#readBounds()
    this.#hasGaps = isCompacted(this) || bounds.hasGaps === true
    const last = this.#runAtOrBefore(Number.MAX_SAFE_INTEGER - 1)
    this.startOffset = bounds.start
    this.endOffset = Math.max(bounds.end, last === undefined ? 0 : last.base + last.span)
    this.cleanedTo = bounds.cleanedTo
    this.cleanedRecords = bounds.cleanedRecords
    this.maxTimestamp = last?.maxTimestamp ?? -1
    this.lastRunBase = last?.base ?? this.endOffset
    this.#tail = new MemoryPartition(this.endOffset)
  }

  get configs(): Readonly<Record<string, string>> {
    return this.#configs
  }

  set configs(configs: Readonly<Record<string, string>>) {
    this.#configs = configs
    if (isCompacted(this)) this.#hasGaps = true
  }

  /** True if it is compacted, or was, which leaves offsets without a run. */
  get hasGaps(): boolean {
    return this.#hasGaps
  }

  append(run: Run): void {
    this.#tail.append(run)
    this.lastRunBase = run.base
    this.endOffset = run.base + run.span
    if (run.maxTimestamp > this.maxTimestamp) this.maxTimestamp = run.maxTimestamp
    this.#budget.added(this.#tail, run.end - run.start)
  }

  readRuns(offset: number, maxBytes: number, into: Run[]): void {
    if (offset >= this.#tail.startOffset) this.#tail.readRuns(offset, maxBytes, into)
    else for (const run of this.storedRuns(offset, maxBytes)) into.push(run)
  }

  /**
   * Returns runs of the engine from the one that holds `offset`, or the first after it, until they have `maxBytes`.
   *
   * @throws MR_STATE_CORRUPT if runs are missing
   */
  storedRuns(offset: number, maxBytes: number): StoredRun[] {
    const runs = this.#runsFrom(offset, maxBytes)
    if (this.#hasGaps) return runs
    let reached = offset
    for (const { base, span } of runs) {
      if (base > reached) throw this.#lost(reached, base)
      reached = base + span
    }
    if (runs.length === 0 && offset < this.endOffset) throw this.#lost(offset, this.endOffset)
    return runs
  }

  /** Reads all of the partition. Returns what it lacks; of a compacted one nothing, since nobody can tell. */
  holes(): Hole[] {
    const holes: Hole[] = []
    let at = this.startOffset
    while (at < this.endOffset) {
      const runs = this.#runsFrom(at, SEARCH_BYTES)
      for (const { base, span } of runs) {
        if (base > at) holes.push({ from: at, to: base })
        at = base + span
      }
      if (runs.length > 0) continue
      holes.push({ from: at, to: this.endOffset })
      at = this.endOffset
    }
    return this.#hasGaps ? [] : holes
  }

  /** Writes runs without records into the hole: later offsets stay as they are, and readers pass it. */
  writeHole(batch: WriteBatch, { from, to }: Hole): void {
    for (let base = from; base < to; base += MAX_SPAN) {
      batch.put(this.runKey(base), sealHole(base, Math.min(MAX_SPAN, to - base), this.checked))
    }
  }

  /** Adds the place in the log to damage that an engine or a run found. @param from the offset that was looked for */
  #placed(error: unknown, from: number): unknown {
    if (!isMillraceError(error) || !DAMAGE.has(error.code)) return error
    const { topic, partition } = this
    return withPlace(error, { topic, partition, offset: error.offset ?? from, hint: RESTORE })
  }

  #lost(from: number, to: number): MillraceError {
    return new MillraceError('MR_STATE_CORRUPT', `the log has lost the records from here to ${to - 1}`, {
      topic: this.topic,
      partition: this.partition,
      offset: from,
      hint: ACCEPT_LOSS,
    })
  }

  #runsFrom(offset: number, maxBytes: number): StoredRun[] {
    const runs: StoredRun[] = []
    let bytes = 0
    const rows = this.#engine.iterate({ gte: this.runKey(offset), lt: this.runKey(this.endOffset) })
    try {
      while (bytes < maxBytes && rows.next()) {
        const run = openRun(rows.value, baseOf(rows.key))
        if (runs.length === 0 && run.base > offset) bytes += this.#addHolder(offset, runs)
        bytes += run.end
        runs.push(run)
      }
    } catch (error) {
      throw this.#placed(error, offset)
    } finally {
      rows.close()
    }
    if (runs.length === 0) this.#addHolder(offset, runs)
    return runs
  }

  offsetForTime(timestamp: number): number {
    let offset = this.startOffset
    while (offset < this.endOffset) {
      const runs = this.storedRuns(offset, SEARCH_BYTES)
      for (const run of runs) {
        const found = run.maxTimestamp < timestamp ? undefined : firstAtOrAfter(run, timestamp, this.startOffset)
        if (found !== undefined) return found
        offset = run.base + run.span
      }
      if (runs.length === 0) break
    }
    return this.endOffset
  }

  deleteBelow(offset: number): void {
    this.startOffset = offset
    if (offset > this.#tail.startOffset) this.#tail.deleteBelow(offset)
  }

  /** Deletes the runs that lie wholly below the start. */
  writeTruncation(batch: WriteBatch): void {
    const holder = this.#runAtOrBefore(this.startOffset)
    const isNeeded = holder !== undefined && holder.base + holder.span > this.startOffset
    batch.deleteRange(this.runKey(0), this.runKey(isNeeded ? holder.base : this.startOffset))
    this.writeBounds(batch)
  }

  /** Deletes the partition with all its runs. */
  writeDeletion(batch: WriteBatch): void {
    batch.deleteRange(this.runKey(0), runKey(this.topicNumber, this.partition + 1, 0))
    batch.delete(partitionKey(this.topicNumber, this.partition))
  }

  writeBounds(batch: WriteBatch): void {
    const bounds: Bounds = {
      start: this.startOffset,
      end: this.endOffset,
      cleanedTo: this.cleanedTo,
      cleanedRecords: this.cleanedRecords,
      ...(this.#hasGaps ? { hasGaps: true } : {}),
    }
    batch.put(partitionKey(this.topicNumber, this.partition), Buffer.from(JSON.stringify(bounds)))
  }

  runKey(offset: number): Buffer {
    return runKey(this.topicNumber, this.partition, offset)
  }

  /** Adds the run that starts below `offset` and holds it. Returns its bytes. */
  #addHolder(offset: number, runs: StoredRun[]): number {
    const holder = this.#runAtOrBefore(offset)
    if (holder === undefined || holder.base + holder.span <= offset) return 0
    runs.push(holder)
    return holder.end
  }

  #runAtOrBefore(offset: number): StoredRun | undefined {
    const rows = this.#engine.iterate({ gte: this.runKey(0), lt: this.runKey(offset + 1), reverse: true })
    try {
      return rows.next() ? openRun(rows.value, baseOf(rows.key)) : undefined
    } catch (error) {
      throw this.#placed(error, Math.min(offset, this.endOffset))
    } finally {
      rows.close()
    }
  }

  #readBounds(): Bounds {
    const stored = this.#engine.get(partitionKey(this.topicNumber, this.partition))
    return stored === undefined ? UNTOUCHED : JSON.parse(stored.toString('utf8'))
  }
}

const DAMAGE: ReadonlySet<string> = new Set(['MR_CORRUPT_BATCH', 'MR_STATE_CORRUPT'])
const RESTORE = 'Check the disk and restore the log from a backup.'
const UNTOUCHED: Bounds = { start: 0, end: 0, cleanedTo: 0, cleanedRecords: 0 }
const SEARCH_BYTES = 1024 * 1024
