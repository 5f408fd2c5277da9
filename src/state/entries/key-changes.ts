import type { Consistency, RowChanges, RowWatcher } from '../reads.ts'

/** How a store sees what stands for a changed key: its entry, or one of its versions. */
export interface ChangeSource<C> {
  /** @throws MR_STATE_DESERIALIZE */
  mapKeyOf(key: Buffer): unknown
  mapKey(change: C): unknown
  /** Returns the id of the row, valid until the next call. */
  idOf(change: C): Buffer
  /** Returns true if there is no row, and no reader can have seen one. */
  isUnseen(change: C): boolean
  /** Has the next change of this key noted, too. */
  release(change: C): void
  /** Returns what has changed since changes were last logged. */
  unlogged(): Iterable<C>
}

/**
 * Notifies those who watch a store of keys that change. Unwatched it is called once for each key of a commit, and keeps
 * nothing. What a commit changes is the list that it has logged. What has changed since is noted once for each key
 * between two looks.
 */
export class KeyChanges<C> implements RowChanges {
  readonly #source: ChangeSource<C>
  readonly #watchers: Readonly<Record<Consistency, Watchers<C>>>
  /** Lists that the commit under way has logged. Kept for readers that begin to watch before its outcome is known. */
  readonly #logged: (readonly C[])[] = []
  #noted: C[] = []
  #notes = false

  constructor(source: ChangeSource<C>) {
    this.#source = source
    this.#watchers = { committed: new Watchers(source), latest: new Watchers(source) }
  }

  get isWatched(): boolean {
    return !this.#watchers.committed.isEmpty || !this.#watchers.latest.isEmpty
  }

  add(watcher: RowWatcher): void {
    this.#watchers[watcher.consistency].add(watcher)
    if (watcher.consistency === 'committed' || this.#notes) return
    this.#notes = true
    for (const change of this.#source.unlogged()) this.#source.release(change)
  }

  remove(watcher: RowWatcher): void {
    this.#watchers[watcher.consistency].remove(watcher)
    if (!this.#watchers.latest.isEmpty) return
    this.#notes = false
    this.#noted = []
  }

  look(): void {
    if (this.#noted.length === 0) return
    const noted = this.#noted
    this.#noted = []
    for (const change of noted) this.#source.release(change)
    this.#watchers.latest.notify(noted)
  }

  // ---- called by the store

  /** A key has changed. Called again for the same key only after `release`, or after its change was logged. */
  note(change: C): void {
    if (this.#notes) this.#noted.push(change)
  }

  /** A commit logs these changes. The list must not change afterwards. */
  logging(changes: readonly C[]): void {
    if (changes.length > 0) this.#logged.push(changes)
  }

  /** The commit under way has succeeded, and its rows can be read as committed. */
  committed(): void {
    const logged = this.#logged.splice(0)
    for (const changes of logged) this.#watchers.committed.notify(changes)
    this.look()
  }

  /** Rows of these keys came from the changelog, and can be read. */
  restored(changes: readonly C[]): void {
    this.#watchers.committed.notify(changes)
    this.#watchers.latest.notify(changes)
  }

  /** As `restored`, for the id of a row and the bytes of its key. */
  restoredRow(id: Buffer, key: Buffer): void {
    this.#watchers.committed.notifyRow(id, key)
    this.#watchers.latest.notifyRow(id, key)
  }

  /** The engine has all that was logged. */
  written(): void {
    this.#logged.length = 0
  }

  /** What is above the engine is forgotten. */
  clear(): void {
    this.#logged.length = 0
    this.#noted = []
  }
}

/** Those who watch with one consistency. */
class Watchers<C> {
  readonly #source: ChangeSource<C>
  readonly #ofPrefix = new Set<RowWatcher>()
  /** By map key. */
  readonly #ofKey = new Map<unknown, Set<RowWatcher>>()

  constructor(source: ChangeSource<C>) {
    this.#source = source
  }

  get isEmpty(): boolean {
    return this.#ofPrefix.size === 0 && this.#ofKey.size === 0
  }

  add(watcher: RowWatcher): void {
    const { key } = watcher.query
    if (key === undefined) {
      this.#ofPrefix.add(watcher)
      return
    }
    const mapKey = this.#source.mapKeyOf(key)
    const watchers = this.#ofKey.get(mapKey)
    if (watchers === undefined) this.#ofKey.set(mapKey, new Set([watcher]))
    else watchers.add(watcher)
  }

  remove(watcher: RowWatcher): void {
    this.#ofPrefix.delete(watcher)
    const { key } = watcher.query
    if (key === undefined) return
    const mapKey = this.#source.mapKeyOf(key)
    const watchers = this.#ofKey.get(mapKey)
    watchers?.delete(watcher)
    if (watchers?.size === 0) this.#ofKey.delete(mapKey)
  }

  notify(changes: readonly C[]): void {
    if (this.isEmpty) return
    const source = this.#source
    for (const change of changes) {
      const ofKey = this.#ofKey.size === 0 ? undefined : this.#ofKey.get(source.mapKey(change))
      if (ofKey === undefined && this.#ofPrefix.size === 0) continue
      if (!source.isUnseen(change)) this.#notify(source.idOf(change), ofKey)
    }
  }

  notifyRow(id: Buffer, key: Buffer): void {
    if (this.isEmpty) return
    this.#notify(id, this.#ofKey.size === 0 ? undefined : this.#ofKey.get(this.#source.mapKeyOf(key)))
  }

  #notify(id: Buffer, ofKey: ReadonlySet<RowWatcher> = NOBODY): void {
    for (const watcher of ofKey) watcher.changed(id)
    for (const watcher of this.#ofPrefix) if (startsWith(id, watcher.query.prefix)) watcher.changed(id)
  }
}

const NOBODY: ReadonlySet<RowWatcher> = new Set()

/** Where there are prefixes, the id of a row is its key. */
function startsWith(id: Buffer, prefix: Buffer | undefined): boolean {
  if (prefix === undefined) return true
  return id.length >= prefix.length && id.compare(prefix, 0, prefix.length, 0, prefix.length) === 0
}
