import { readLong } from '../../serde/big-endian.ts'
import { sortedByRowKey, type RowChange } from '../entries/merged-rows.ts'
import type { Consistency, StoreReads } from '../reads.ts'
import { TimedReads } from './timed-reads.ts'
import { BucketCursor } from './bucket-cursor.ts'
import { Buckets } from './buckets.ts'
import type { ByteWriter } from '../rows/byte-writer.ts'
import type { WriteBatch } from '../../engine/write-batch.ts'
import { EntryStore, restoreValue } from '../entries/entry-store.ts'
import type { LatestRows } from '../rows/latest-rows.ts'
import type { StatePlace } from '../environment.ts'
import type { Retention } from '../segment-retention.ts'
import { firstIndex, SortedChanges } from '../entries/sorted-changes.ts'
import type { ChangelogRecord, ChangelogSink } from '../states.ts'
import type { PeriodStoreSpec, SessionStoreSpec, WindowStoreSpec } from '../../topology/store-spec.ts'
import { TimedEntry, type Bucket } from './timed-entry.ts'
import { TimedLayout } from './changelog-key.ts'
import { byEnd, byEndAndKey, bySegment, byStart, type TimedOrder } from './timed-order.ts'
import { CollectedRows, IndexedRows, NO_ROWS, SegmentRows, type TimedRows } from './timed-rows.ts'
import { TimedScanCursor } from './timed-scan-cursor.ts'
import type { Serde } from '../../serde/serde.ts'
import { NO_BYTES } from '../../platform/no-bytes.ts'

/**
 * What window and session stores have in common: entries by (key, time, sub), kept in a bucket per key, that expire by
 * the greatest time put. The engine is asked for what a bucket has not loaded; nothing in it is newer than its last
 * commit.
 */
export abstract class TimedEntryStore<K, V, Listener> extends EntryStore<K, V, TimedEntry<K, V>, Listener> {
  protected readonly rowHeaderLength: number
  protected readonly retention: Retention
  /** Number given to the last duplicate. */
  protected sequence = 0
  readonly #layout: TimedLayout
  readonly #session: boolean
  readonly #timestamped: boolean
  readonly #timeOrdered: boolean
  /** Kafka Streams' caching stores show what is in the cache, however old; only what lies behind it expires. */
  readonly #showsExpired: boolean
  /** Kafka Streams' stores of joins log what is too old as well, and do not keep it. */
  readonly #logsExpired: boolean
  /** The order of changed entries. */
  readonly #timeOrder: TimedOrder
  /** The order of scans over all keys. */
  readonly #scanOrder: TimedOrder
  /** True: that is the order of the engine's rows. */
  readonly #bySegment: boolean
  readonly #buckets = new Buckets<K, V>(this.keys, this.place.resident)
  readonly #sorted: SortedChanges<TimedEntry<K, V>, TimedEntry<K, V>>
  #idleCursor: BucketCursor<K, V> | null = null
  /** Greatest time that a row in the engine may have. */
  #storedTo: number
  #purgedSegment = 0
  /** The sequence as the engine has it. */
  #keptSequence: number
  /** Greatest time that the cache has handed on. */
  #passedTo: number
  /** No entry of any key has a time in this interval. */
  #quietFrom = Infinity
  #quietTo = -Infinity
  readonly reads: StoreReads

  protected constructor(
    spec: WindowStoreSpec | PeriodStoreSpec | SessionStoreSpec,
    place: StatePlace,
    keySerde: Serde<K>,
    valueSerde: Serde<V>,
    timestamped: boolean,
    retention: Retention,
  ) {
    super(spec, place, keySerde, valueSerde, timestamped)
    this.retention = retention
    this.#session = spec.kind !== 'window'
    this.#timestamped = timestamped
    this.#timeOrdered = spec.timeOrdered
    const { compatible } = place.environment
    this.#showsExpired = compatible && this.cached
    this.#logsExpired = compatible && spec.kind === 'window' && spec.retainDuplicates
    this.#timeOrder = this.#session ? byEnd : byStart
    this.#bySegment = compatible && spec.kind === 'window' && spec.persistent && !spec.timeOrdered
    // A cache has its own order, that of persistent stores.
    const isMemoryOfSessions = compatible && spec.kind === 'session' && !spec.persistent && !this.cached
    if (this.#bySegment) this.#scanOrder = bySegment(retention)
    else this.#scanOrder = isMemoryOfSessions ? byEndAndKey : this.#timeOrder
    this.#layout = new TimedLayout(place.prefix, this.#session, retention)
    this.rowHeaderLength = this.#layout.headerLength
    this.#sorted = new SortedChanges(this.dirty, (entry) => entry, this.#timeOrder)
    if (place.kept !== null) {
      retention.begin(readLong(place.kept, 0))
      this.sequence = readLong(place.kept, 8)
    }
    this.#storedTo = this.#passedTo = retention.observed
    this.#keptSequence = this.sequence
    this.reads = new TimedReads({
      engine: place.engine,
      layout: this.#layout,
      retention,
      windowSize: spec.kind === 'window' ? spec.windowSize : undefined,
      timestamped,
      watchable: spec.kind === 'window' && spec.retainDuplicates ? undefined : this.changes,
      observe: () => this.observe(),
      seen: (rowKey, consistency) => this.#seen(rowKey, consistency),
      changes: (key, from, to, consistency) => this.#changes(key, from, to, consistency),
    })
  }

  get observedTime(): number {
    return this.retention.observed
  }

  // ---- entries

  /** The live entry, or undefined if there is none that may be seen. */
  protected find(key: K, time: number, sub: number): TimedEntry<K, V> | undefined {
    this.counts.reads++
    const expired = time < this.retention.firstVisible
    if (expired && !this.#showsExpired) return undefined
    const bucket = this.#buckets.find(key)
    const entry = bucket?.find(time, sub) ?? (expired ? undefined : this.#read(bucket, key, time, sub))
    if (entry === undefined) return undefined
    entry.bucket.referenced = true
    this.noteRead(entry)
    return this.thaw(entry) ? entry : undefined
  }

  /** Counts and ignores what is too old. */
  protected putAt(key: K, time: number, sub: number, value: V | null, timestamp: number): void {
    if (!this.retention.accept(time)) {
      // A deletion ends in the cache: nothing of the entry is seen behind it.
      if (value !== null || !this.#showsExpired) this.environment.drop('expired', this.name)
      const logged = this.#logsExpired && this.retention.segment(time) >= this.retention.firstLiveSegment
      if (!logged && !this.#showsExpired) return
    }
    this.change(key, time, sub, value, timestamp)
  }

  /** Puts, whatever the time. */
  protected change(key: K, time: number, sub: number, value: V | null, timestamp: number): void {
    const bucket = this.#buckets.find(key) ?? this.#buckets.add(key)
    let entry = bucket.find(time, sub)
    if (entry === undefined) {
      entry = new TimedEntry(bucket, time, sub, time > this.#storedTo || bucket.covers(time))
      this.track(entry)
      this.#prune(bucket)
      bucket.insert(entry)
    }
    if (time >= this.#quietFrom && time <= this.#quietTo) this.#quietTo = time - 1
    this.update(entry, value, timestamp, this.#timestamped ? timestamp : this.environment.record.timestamp)
  }

  /** One key's entries with from <= time <= to and sub <= latestSub. */
  protected select(key: K, from: number, to: number, latestSub: number, reverse: boolean): BucketCursor<K, V> {
    this.counts.reads++
    const cursor = this.#idleCursor ?? new BucketCursor(this.#session, this.values, (idle) => (this.#idleCursor = idle))
    this.#idleCursor = null
    const visible = Math.max(from, this.retention.firstVisible, 0)
    const first = this.#showsExpired ? Math.max(from, 0) : visible
    let bucket = this.#buckets.find(key)
    if (first > to || (bucket === undefined && first > this.#storedTo)) return cursor.open(reverse)
    bucket ??= this.#buckets.add(key)
    bucket.referenced = true
    this.#ensureLoaded(bucket, visible, to)
    const { entries } = bucket
    for (let i = bucket.firstAt(first); i < entries.length; i++) {
      const entry = entries[i]!
      if (entry.time > to) break
      if (entry.sub > latestSub || !entry.present) continue
      this.noteRead(entry)
      cursor.add(entry)
    }
    if (this.#scanOrder === byEndAndKey) cursor.sort(byEndAndKey)
    return cursor.open(reverse)
  }

  /** All keys' entries with from <= time <= to. */
  protected selectAll(from: number, to: number, reverse: boolean, hideExpired = true): TimedScanCursor<K, V> {
    const visible = hideExpired ? Math.max(from, this.retention.firstVisible, 0) : Math.max(from, 0)
    const first = this.#showsExpired ? Math.max(from, 0) : visible
    const last = Math.min(to, this.retention.observed)
    const quiet = first > last || (first >= this.#quietFrom && last <= this.#quietTo)
    const changed = quiet ? [] : between(this.#sorted.sorted(), first, last)
    return new TimedScanCursor({
      rows: quiet || visible > this.#storedTo ? NO_ROWS : this.#rows(visible, last, reverse),
      order: this.#scanOrder,
      changes: this.#withExpired(changed, first, Math.min(last, visible - 1)),
      unordered: this.#showsExpired || this.#scanOrder !== this.#timeOrder,
      keys: this.keys,
      values: this.values,
      session: this.#session,
      timestamped: this.#timestamped,
      reverse,
      ended: (nextTime) => {
        if (quiet || reverse || !this.#timeOrdered) return
        // Asked for now, not at the opening: entries may have been put during the scan.
        const changes = this.#sorted.sorted()
        const next = changes[firstIndex(changes, (entry) => entry.time > last)]
        this.#quietFrom = last + 1
        this.#quietTo = Math.min(nextTime, next?.time ?? Infinity) - 1
      },
    })
  }

  evict(bytes: number): void {
    this.#buckets.evict(bytes)
  }

  // ---- reading without a trace

  #changes(key: Buffer | undefined, from: number, to: number, consistency: Consistency): RowChange[] {
    const changes: RowChange[] = []
    for (const entry of this.#changed(key, from, to)) {
      const row = this.#seenRow(entry, consistency)
      if (row === undefined) continue
      const scratch = this.place.scratch.rewind()
      this.writeRowKey(entry, scratch)
      changes.push({ rowKey: scratch.copyOfRow(), row })
    }
    return sortedByRowKey(changes)
  }

  #seen(rowKey: Buffer, consistency: Consistency): Buffer | null | undefined {
    const layout = this.#layout
    const bucket = this.#buckets.ofBytes(rowKey.subarray(layout.headerLength, layout.keyEnd(rowKey)))
    const entry = bucket?.find(layout.timeOf(rowKey), layout.subOf(rowKey))
    return entry === undefined ? undefined : this.#seenRow(entry, consistency)
  }

  #seenRow(entry: TimedEntry<K, V>, consistency: Consistency): Buffer | null | undefined {
    const row = entry.dirty ? this.seenRow(entry, consistency) : undefined
    if (row !== undefined && row !== null) entry.seen = true
    return row
  }

  get isWatched(): boolean {
    return this.changes.isWatched
  }

  restoredRows(rowKeys: readonly Buffer[]): void {
    const layout = this.#layout
    for (const rowKey of rowKeys) {
      if (layout.isOf(rowKey))
        this.changes.restoredRow(rowKey, rowKey.subarray(layout.headerLength, layout.keyEnd(rowKey)))
    }
  }

  protected override writeId(entry: TimedEntry<K, V>, writer: ByteWriter): void {
    this.writeRowKey(entry, writer)
  }

  /** Sessions that grow leave an entry for each record behind. */
  protected override isUnseen(entry: TimedEntry<K, V>): boolean {
    return !entry.present && !entry.seen && !entry.stored && !this.isStaged(entry)
  }

  #changed(key: Buffer | undefined, from: number, to: number): readonly TimedEntry<K, V>[] {
    if (key === undefined) return between(this.#sorted.sorted(), from, to)
    return between(this.#buckets.ofBytes(key)?.entries ?? [], from, to)
  }

  // ---- commit and restore

  override logChanges(sink: ChangelogSink | undefined): void {
    super.logChanges(sink)
    this.retention.logged()
  }

  override committed(): void {
    super.committed()
    this.retention.committed()
  }

  override writeChanges(batch: WriteBatch): void {
    super.writeChanges(batch)
    const { rows, keptKey } = this.place
    const layout = this.#layout
    if (this.#timeOrdered) for (const entry of this.dirty) this.#writeTimeRow(entry, batch)
    const live = this.retention.firstLiveSegment
    if (live > this.#purgedSegment) {
      // Not from the beginning: a scan would have to pass what earlier purges left of the rows they deleted.
      const first = this.#purgedSegment
      const gte = layout.segmentHeader(rows.beginRow(), first).row()
      batch.deleteRange(gte, layout.segmentHeader(rows.beginRow(), live).row())
      if (this.#timeOrdered) {
        const from = layout.timeBound(rows.beginRow(), first * this.retention.segmentInterval).row()
        batch.deleteRange(from, layout.timeBound(rows.beginRow(), live * this.retention.segmentInterval).row())
      }
      this.#purgedSegment = live
    }
    if (!this.retention.isUnwritten && this.sequence === this.#keptSequence) return
    batch.put(keptKey, rows.beginRow().int64(this.retention.observed).int64(this.sequence).row())
  }

  override written(): void {
    for (const entry of this.dirty) entry.stored = entry.present
    super.written()
    this.#sorted.reset()
    this.retention.written()
    this.#storedTo = this.retention.observed
    this.#keptSequence = this.sequence
  }

  override restore(record: ChangelogRecord, rows: LatestRows): void {
    if (this.#buckets.size > 0) this.clear()
    this.#quietTo = -Infinity
    const { buffer, keyStart, keyEnd, valueStart } = record
    const layout = this.#layout
    const trailer = keyEnd - layout.subLength - 8
    const time = readLong(buffer, trailer)
    const sub = this.#session ? readLong(buffer, trailer + 8) : buffer.readInt32BE(trailer + 8)
    if (!this.#session) this.sequence = sub
    if (!this.retention.accept(time)) return
    this.#storedTo = this.#passedTo = this.retention.observed
    layout.header(rows.begin(), time).range(buffer, keyStart, keyEnd)
    restoreValue(record, rows, this.#timestamped)
    if (!this.#timeOrdered) return
    layout.timeHeader(rows.begin(), time, sub).range(buffer, keyStart, trailer)
    if (valueStart < 0) rows.delete()
    else {
      rows.endKey()
      rows.put()
    }
  }

  override discard(): void {
    super.discard()
    this.#purgedSegment = 0
    this.retention.discard()
    this.#passedTo = this.retention.observed
    this.sequence = this.#keptSequence
  }

  // ---- for the base class

  protected writeRowKey(entry: TimedEntry<K, V>, writer: ByteWriter): void {
    this.#layout.header(writer, entry.time)
    this.keys.writeAs(entry.key, entry.mapKey, writer)
    this.#layout.trailer(writer, entry.time, entry.sub)
  }

  protected forget(entry: TimedEntry<K, V>): void {
    this.untrack(entry)
    entry.bucket.remove(entry)
  }

  protected storedValue(entry: TimedEntry<K, V>): V | null {
    const scratch = this.place.scratch.rewind()
    this.writeRowKey(entry, scratch)
    const row = this.place.engine.get(scratch.row())
    return row === undefined ? null : this.valueOfRow(row)
  }

  protected hiddenBehindCache(entry: TimedEntry<K, V>): boolean {
    return this.#showsExpired && entry.time < this.retention.firstVisibleAt(this.#passedTo)
  }

  protected passedCache(entry: TimedEntry<K, V>): void {
    if (entry.time > this.#passedTo) this.#passedTo = entry.time
  }

  protected clearEntries(): void {
    this.#buckets.clear()
    this.#sorted.reset()
    this.#quietFrom = Infinity
    this.#quietTo = -Infinity
  }

  // ---- buckets

  /** Adds the clean entries of an interval that the engine is not asked for. */
  #withExpired(changes: TimedEntry<K, V>[], from: number, to: number): TimedEntry<K, V>[] {
    if (!this.#showsExpired || from > to) return changes
    for (const bucket of this.#buckets.all()) {
      for (const entry of bucket.entries) {
        if (!entry.dirty && entry.present && entry.time >= from && entry.time <= to) changes.push(entry)
      }
    }
    return changes
  }

  /** Lets go of what can never be seen again. */
  #prune(bucket: Bucket<K, V>): void {
    if (this.#showsExpired) return
    const { entries } = bucket
    const { firstVisible } = this.retention
    let expired = 0
    for (; expired < entries.length; expired++) {
      const entry = entries[expired]!
      if (entry.time >= firstVisible || entry.dirty || entry.held !== null) break
      this.untrack(entry)
    }
    if (expired > 0) entries.splice(0, expired)
  }

  /** Reads one row, unless memory tells that there is none. */
  #read(bucket: Bucket<K, V> | undefined, key: K, time: number, sub: number): TimedEntry<K, V> | undefined {
    if (time > this.#storedTo || bucket?.covers(time) === true) return undefined
    this.counts.engineReads++
    const entry = new TimedEntry(bucket ?? this.#buckets.add(key), time, sub, true)
    const scratch = this.place.scratch.rewind()
    this.writeRowKey(entry, scratch)
    const row = this.place.engine.get(scratch.row())
    if (row !== undefined) this.load(entry, row)
    entry.stored = row !== undefined
    this.track(entry)
    entry.bucket.insert(entry)
    return entry
  }

  /** Loads a bucket's rows with from <= time <= to; what has been loaded stays one interval. */
  #ensureLoaded(bucket: Bucket<K, V>, from: number, to: number): void {
    if (from > this.#storedTo) return
    const last = to >= this.#storedTo ? Infinity : to
    if (bucket.loadedFrom > bucket.loadedTo) {
      this.#loadRows(bucket, from, last)
      bucket.loadedFrom = from
      bucket.loadedTo = last
      return
    }
    if (from < bucket.loadedFrom) {
      this.#loadRows(bucket, from, bucket.loadedFrom - 1)
      bucket.loadedFrom = from
    }
    if (last > bucket.loadedTo) {
      this.#loadRows(bucket, bucket.loadedTo + 1, last)
      bucket.loadedTo = last
    }
  }

  #loadRows(bucket: Bucket<K, V>, from: number, to: number): void {
    const layout = this.#layout
    const { scratch, engine } = this.place
    const last = Math.min(to, this.#storedTo)
    const lastSegment = this.retention.segment(last)
    this.counts.engineReads++
    for (let segment = this.retention.segment(from); segment <= lastSegment; segment++) {
      layout.segmentHeader(scratch.rewind(), segment)
      this.keys.writeAs(bucket.key, bucket.mapKey, scratch)
      const keyEnd = scratch.position
      const gte = scratch.int64(from).copyOfRow()
      scratch.position = keyEnd
      const lt = scratch.int64(last + 1).copyOfRow()
      const iterator = engine.iterate({ gte, lt })
      try {
        while (iterator.next()) {
          // A longer key may begin with this one and look like a time behind it.
          if (layout.keyEnd(iterator.key) === keyEnd) this.#insertRow(bucket, iterator.key, iterator.value)
        }
      } finally {
        iterator.close()
      }
    }
  }

  #insertRow(bucket: Bucket<K, V>, rowKey: Buffer, row: Buffer): void {
    const time = this.#layout.timeOf(rowKey)
    const sub = this.#layout.subOf(rowKey)
    if (bucket.find(time, sub) !== undefined) return
    const entry = new TimedEntry(bucket, time, sub, true)
    this.load(entry, row)
    entry.stored = true
    this.track(entry)
    bucket.insert(entry)
  }

  // ---- scans by time

  #rows(from: number, to: number, reverse: boolean): TimedRows {
    const { engine } = this.place
    const order = this.#scanOrder
    if (this.#timeOrdered) {
      const rows = new IndexedRows(engine, this.#layout, from, to, reverse)
      return order === this.#timeOrder ? rows : new CollectedRows(rows, order, reverse)
    }
    const firstSegment = this.retention.segment(from)
    const lastSegment = this.retention.segment(to)
    const rows = new SegmentRows(engine, this.#layout, firstSegment, lastSegment, from, to, reverse)
    return this.#bySegment ? rows : new CollectedRows(rows, order, reverse)
  }

  #writeTimeRow(entry: TimedEntry<K, V>, batch: WriteBatch): void {
    if (entry.stored === entry.present) return
    const writer = this.#layout.timeHeader(this.place.rows.beginRow(), entry.time, entry.sub)
    this.keys.writeAs(entry.key, entry.mapKey, writer)
    if (entry.present) batch.put(writer.row(), NO_BYTES)
    else batch.delete(writer.row())
  }
}

/** Returns those of entries sorted by time that lie in an interval. */
function between<E extends { readonly time: number }>(sorted: readonly E[], from: number, to: number): E[] {
  const begin = firstIndex(sorted, ({ time }) => time >= from)
  return sorted.slice(
    begin,
    firstIndex(sorted, ({ time }) => time > to),
  )
}
