import type { Change } from '../../../src/record/change.ts'
import { Headers } from '../../../src/record/headers.ts'
import { string } from '../../../src/serde/serdes.ts'
import type {
  Entry,
  EntryCursor,
  FlushListener,
  JoinBuffer,
  JoinSide,
  KeyValueState,
  OuterJoinState,
  SessionCursor,
  SessionFlushListener,
  SessionState,
  StateStore,
  SuppressBuffer,
  VersionedEntry,
  VersionedState,
  WindowCursor,
  WindowFlushListener,
  WindowState,
} from '../../../src/state/states.ts'
import type { StoreSpec } from '../../../src/topology/store-spec.ts'

/*
 * States as plain JavaScript, with what the operators may expect of states and no more. Values are live objects, so
 * that an operator that wrongly shares one is found.
 */

type Any = unknown

function spec(kind: 'keyValue' | 'versioned' | 'window' | 'session', name: string): StoreSpec {
  const base = {
    name,
    keySerde: string(),
    valueSerde: string(),
    persistent: true,
    logging: {},
    caching: false,
  } as const
  switch (kind) {
    case 'keyValue':
      return { ...base, kind, timestamped: true } as StoreSpec
    case 'versioned':
      return { ...base, kind, historyRetention: 0 } as StoreSpec
    case 'window':
      return {
        ...base,
        kind,
        timestamped: true,
        retention: 0,
        inclusiveRetention: false,
        windowSize: 0,
        retainDuplicates: false,
        timeOrdered: false,
      } as StoreSpec
    case 'session':
      return { ...base, kind, retention: 0, timeOrdered: false } as StoreSpec
  }
}

abstract class FakeStore implements StateStore {
  readonly name: string
  readonly spec: StoreSpec
  readonly dirtyBytes = 0

  constructor(name: string, kind: 'keyValue' | 'versioned' | 'window' | 'session' = 'keyValue') {
    this.name = name
    this.spec = spec(kind, name)
  }

  copy(value: Any): Any {
    return structuredClone(value)
  }

  flushCache(): boolean {
    return false
  }

  logChanges(): void {}
  writeChanges(): void {}
  written(): void {}
  restore(): void {}
  close(): void {}
}

function keyText(key: Any): string {
  return Buffer.isBuffer(key) ? key.toString('latin1') : JSON.stringify(key)
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

interface Row {
  readonly key: Any
  readonly start: number
  readonly end: number
  readonly value: Any
  readonly timestamp: number
}

class RowCursor implements WindowCursor<Any, Any>, SessionCursor<Any, Any> {
  static open = 0
  readonly #rows: readonly Row[]
  #at = -1
  #closed = false

  constructor(rows: readonly Row[]) {
    this.#rows = rows
    RowCursor.open++
  }

  next(): boolean {
    return ++this.#at < this.#rows.length
  }

  get key(): Any {
    return this.#row.key
  }

  get value(): Any {
    return this.#row.value
  }

  get timestamp(): number {
    return this.#row.timestamp
  }

  get start(): number {
    return this.#row.start
  }

  get end(): number {
    return this.#row.end
  }

  close(): void {
    if (!this.#closed) RowCursor.open--
    this.#closed = true
  }

  get #row(): Row {
    const row = this.#rows[this.#at]
    if (row === undefined || this.#closed) throw new Error('no current row')
    return row
  }
}

/** Cursors that were opened and not closed. */
export function openCursors(): number {
  return RowCursor.open
}

export class FakeKeyValue extends FakeStore implements KeyValueState<Any, Any> {
  readonly rows = new Map<string, Row>()
  readonly cached: boolean
  readonly #held = new Map<string, { key: Any; old: Any; timestamp: number }>()
  #listener: FlushListener<Any, Any> | undefined
  #sendOld = false

  constructor(name: string, cached = false) {
    super(name)
    this.cached = cached
  }

  onFlush(listener: FlushListener<Any, Any>, sendOldValues: boolean): void {
    this.#listener = listener
    this.#sendOld = sendOldValues
  }

  get(key: Any): Entry<Any> | undefined {
    return this.rows.get(keyText(key))
  }

  put(key: Any, value: Any, timestamp: number): void {
    const text = keyText(key)
    const old = this.rows.get(text)?.value ?? null
    if (this.cached && !this.#held.has(text)) this.#held.set(text, { key, old: this.copy(old), timestamp })
    if (value === null) this.rows.delete(text)
    else this.rows.set(text, { key, value: this.copy(value), timestamp, start: 0, end: 0 })
  }

  override flushCache(): boolean {
    const held = [...this.#held]
    this.#held.clear()
    for (const [text, { key, old, timestamp }] of held) {
      const row = this.rows.get(text)
      const oldValue = this.#sendOld ? old : null
      this.#listener?.(key, row?.value ?? null, oldValue, row?.timestamp ?? timestamp, new Headers())
    }
    return held.length > 0
  }

  range(): EntryCursor<Any, Any> {
    return new RowCursor(this.#sorted(() => true))
  }

  prefix(prefix: Buffer): EntryCursor<Any, Any> {
    return new RowCursor(this.#sorted((text) => text.startsWith(prefix.toString('latin1'))))
  }

  #sorted(matches: (text: string) => boolean): Row[] {
    const found = [...this.rows].filter(([text]) => matches(text))
    return found.sort(([one], [other]) => compare(one, other)).map(([, row]) => row)
  }
}

export class FakeVersioned extends FakeStore implements VersionedState<Any, Any> {
  readonly #history: number
  readonly #onDrop: () => void
  readonly #versions = new Map<string, { value: Any; timestamp: number }[]>()
  #observed = -1

  constructor(name: string, history: number, onDrop: () => void) {
    super(name, 'versioned')
    this.#history = history
    this.#onDrop = onDrop
  }

  get(key: Any): VersionedEntry<Any> | undefined {
    return this.#at(key, Number.POSITIVE_INFINITY)
  }

  getAsOf(key: Any, asOf: number): VersionedEntry<Any> | undefined {
    const latest = this.get(key)
    if (asOf < this.#observed - this.#history && !(latest !== undefined && latest.timestamp <= asOf)) return undefined
    return this.#at(key, asOf)
  }

  put(key: Any, value: Any, timestamp: number): 'latest' | 'historical' | 'rejected' {
    if (timestamp < this.#observed - this.#history) {
      this.#onDrop()
      return 'rejected'
    }
    this.#observed = Math.max(this.#observed, timestamp)
    const versions = (this.#versions.get(keyText(key)) ?? []).filter((version) => version.timestamp !== timestamp)
    versions.push({ value, timestamp })
    versions.sort((one, other) => one.timestamp - other.timestamp)
    this.#versions.set(keyText(key), versions)
    return versions.at(-1)?.timestamp === timestamp ? 'latest' : 'historical'
  }

  all(): EntryCursor<Any, Any> {
    return new RowCursor([])
  }

  #at(key: Any, asOf: number): VersionedEntry<Any> | undefined {
    const versions = this.#versions.get(keyText(key)) ?? []
    const at = versions.findLastIndex(({ timestamp }) => timestamp <= asOf)
    const version = versions[at]
    if (version === undefined || version.value === null) return undefined
    return { ...version, validTo: versions[at + 1]?.timestamp ?? Number.POSITIVE_INFINITY }
  }
}

export class FakeWindow extends FakeStore implements WindowState<Any, Any> {
  readonly cached: boolean
  observedTime = -1
  readonly #retention: number
  readonly #inclusive: boolean
  readonly #duplicates: boolean
  #rows: Row[] = []
  #changed: Row[] = []
  #listener: WindowFlushListener<Any, Any> | undefined

  constructor(
    name: string,
    options: { retention?: number; inclusive?: boolean; duplicates?: boolean; cached?: boolean } = {},
  ) {
    super(name, 'window')
    this.#retention = options.retention ?? Number.POSITIVE_INFINITY
    this.#inclusive = options.inclusive ?? false
    this.#duplicates = options.duplicates ?? false
    this.cached = options.cached ?? false
  }

  onFlush(listener: WindowFlushListener<Any, Any>): void {
    this.#listener = listener
  }

  get(key: Any, start: number): Entry<Any> | undefined {
    return this.#select((row) => row.start === start && keyText(row.key) === keyText(key))[0]
  }

  put(key: Any, start: number, value: Any, timestamp: number): void {
    this.observedTime = Math.max(this.observedTime, start)
    const same = (row: Row): boolean => row.start === start && keyText(row.key) === keyText(key)
    if (!this.#duplicates) this.#rows = this.#rows.filter((row) => !same(row))
    const row = { key, start, end: 0, value: this.copy(value), timestamp }
    if (value !== null) this.#rows.push(row)
    if (this.cached) this.#changed = [...this.#changed.filter((held) => !same(held)), row]
  }

  override flushCache(): boolean {
    const changed = this.#changed
    this.#changed = []
    for (const { key, start, value, timestamp } of changed) {
      this.#listener?.(key, start, value, null, timestamp, new Headers())
    }
    return changed.length > 0
  }

  fetch(key: Any, from: number, to: number, reverse: boolean): WindowCursor<Any, Any> {
    const rows = this.#select((row) => keyText(row.key) === keyText(key) && row.start >= from && row.start <= to)
    rows.sort((one, other) => one.start - other.start)
    return new RowCursor(reverse ? rows.reverse() : rows)
  }

  fetchAll(from: number, to: number): WindowCursor<Any, Any> {
    const rows = this.#select((row) => row.start >= from && row.start <= to)
    return new RowCursor(
      rows.sort((one, other) => one.start - other.start || compare(keyText(one.key), keyText(other.key))),
    )
  }

  #select(condition: (row: Row) => boolean): Row[] {
    const oldest = this.observedTime - this.#retention
    return this.#rows.filter((row) => (this.#inclusive ? row.start >= oldest : row.start > oldest) && condition(row))
  }
}

export class FakeSession extends FakeStore implements SessionState<Any, Any> {
  readonly cached = false
  observedTime = -1
  readonly #retention: number
  #rows: Row[] = []

  constructor(name: string, retention = Number.POSITIVE_INFINITY) {
    super(name, 'session')
    this.#retention = retention
  }

  onFlush(_listener: SessionFlushListener<Any, Any>): void {}

  get(key: Any, start: number, end: number): Any {
    return this.#select((row) => keyText(row.key) === keyText(key) && row.start === start && row.end === end)[0]?.value
  }

  put(key: Any, start: number, end: number, value: Any): void {
    this.observedTime = Math.max(this.observedTime, end)
    this.#rows = this.#rows.filter(
      (row) => !(keyText(row.key) === keyText(key) && row.start === start && row.end === end),
    )
    if (value !== null) this.#rows.push({ key, start, end, value: this.copy(value), timestamp: end })
  }

  findSessions(key: Any, earliestEnd: number, latestStart: number): SessionCursor<Any, Any> {
    return new RowCursor(
      this.#select((row) => keyText(row.key) === keyText(key) && row.end >= earliestEnd && row.start <= latestStart),
    )
  }

  findByEnd(from: number, to: number): SessionCursor<Any, Any> {
    return new RowCursor(this.#select((row) => row.end >= from && row.end <= to))
  }

  #select(condition: (row: Row) => boolean): Row[] {
    const rows = this.#rows.filter((row) => row.end > this.observedTime - this.#retention && condition(row))
    return rows.sort(
      (one, other) => one.end - other.end || one.start - other.start || compare(keyText(one.key), keyText(other.key)),
    )
  }
}

export class FakeOuterJoin extends FakeStore implements OuterJoinState<Any, Any, Any> {
  #rows: { timestamp: number; side: JoinSide; key: Any; value: Any }[] = []

  add(timestamp: number, side: JoinSide, key: Any, value: Any): void {
    this.#rows.push({ timestamp, side, key, value })
    this.#rows.sort(
      (one, other) =>
        one.timestamp - other.timestamp ||
        compare(other.side, one.side) ||
        compare(keyText(one.key), keyText(other.key)),
    )
  }

  remove(timestamp: number, side: JoinSide, key: Any): void {
    this.#rows = this.#rows.filter(
      (row) => !(row.timestamp === timestamp && row.side === side && keyText(row.key) === keyText(key)),
    )
  }

  firstTimestamp(side: JoinSide): number {
    return this.#rows.find((row) => row.side === side)?.timestamp ?? Number.POSITIVE_INFINITY
  }

  drain(left: number, right: number, emit: (timestamp: number, side: JoinSide, key: Any, value: Any) => void): void {
    const due = this.#rows.filter(({ timestamp, side }) => timestamp < (side === 'left' ? left : right))
    for (const row of due) {
      this.#rows = this.#rows.filter((held) => held !== row)
      emit(row.timestamp, row.side, row.key, row.value)
    }
  }

  visit(see: (timestamp: number, side: JoinSide) => boolean): void {
    for (const { timestamp, side } of this.#rows) if (!see(timestamp, side)) return
  }
}

export class FakeSuppress extends FakeStore implements SuppressBuffer<Any, Any> {
  #rows: { time: number; key: Any; change: Change<Any>; prior: Any; timestamp: number; headers: Headers }[] = []

  get count(): number {
    return this.#rows.length
  }

  get bytes(): number {
    return this.#rows.length * 100
  }

  get minTime(): number {
    return this.#rows[0]?.time ?? Number.POSITIVE_INFINITY
  }

  put(time: number, key: Any, change: Change<Any>, timestamp: number, headers: Headers): void {
    const held = this.#rows.find((row) => keyText(row.key) === keyText(key))
    this.#rows = this.#rows.filter((row) => row !== held)
    const prior = held === undefined ? change.oldValue : held.prior
    this.#rows.push({ time: held?.time ?? time, key, change, prior, timestamp, headers })
    this.#rows.sort((one, other) => one.time - other.time || compare(keyText(one.key), keyText(other.key)))
  }

  prior(key: Any): Any {
    return this.#rows.find((row) => keyText(row.key) === keyText(key))?.prior
  }

  evictWhile(
    condition: () => boolean,
    emit: (key: Any, change: Change<Any>, timestamp: number, headers: Headers) => void,
  ): void {
    while (this.#rows.length > 0 && condition()) {
      const row = this.#rows[0]
      if (row !== undefined) emit(row.key, row.change, row.timestamp, row.headers)
      this.#rows.shift()
    }
  }
}

export class FakeJoinBuffer extends FakeStore implements JoinBuffer<Any, Any> {
  readonly #grace: number
  #observed = -1
  #rows: { key: Any; value: Any; timestamp: number; headers: Headers }[] = []

  constructor(name: string, grace: number) {
    super(name)
    this.#grace = grace
  }

  get minTime(): number {
    return this.#rows[0]?.timestamp ?? Number.POSITIVE_INFINITY
  }

  put(key: Any, value: Any, timestamp: number, headers: Headers): boolean {
    this.#observed = Math.max(this.#observed, timestamp)
    if (timestamp < this.#observed - this.#grace) return false
    this.#rows.push({ key, value, timestamp, headers })
    this.#rows.sort((one, other) => one.timestamp - other.timestamp)
    return true
  }

  evictWhile(
    condition: () => boolean,
    emit: (key: Any, value: Any, timestamp: number, headers: Headers) => void,
  ): void {
    while (this.#rows.length > 0 && condition()) {
      const row = this.#rows.shift()
      if (row !== undefined) emit(row.key, row.value, row.timestamp, row.headers)
    }
  }
}
