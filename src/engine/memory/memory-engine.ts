import type { EngineEstimate, EngineFactory, EngineIterator, EngineRange, KeyValueEngine } from '../engine.ts'
import { KeptBytes } from '../../platform/kept-bytes.ts'
import type { WriteBatch } from '../write-batch.ts'
import { engineClosed } from '../files/engine-failure.ts'
import { lowerBound, OrderedKeys } from './ordered-keys.ts'
import { NO_BYTES } from '../../platform/no-bytes.ts'

/** A factory that returns engines, not promises. */
export interface SynchronousEngineFactory extends EngineFactory {
  open(directory: string): KeyValueEngine
}

/**
 * Keeps everything in the memory of this process; nothing outlives `close`. Every call is synchronous, as a synchronous
 * test driver needs.
 *
 * @example
 * ```ts
 * const engine = memoryEngine.open('')
 * ```
 */
export const memoryEngine: SynchronousEngineFactory = {
  name: 'memory',
  persistent: false,
  open: () => new MemoryEngine(),
  destroy() {},
}

/** A version of a key's value (undefined: the key was deleted), linked to older ones while an iterator needs them. */
interface RowVersion {
  value: Buffer | undefined
  sequence: number
  older: RowVersion | undefined
}

/**
 * Keys are latin1 strings, which sort like the bytes and can be hashed. A write replaces the newest version in place,
 * unless an iterator is open: then it keeps older versions until the last iterator is closed.
 */
class MemoryEngine implements KeyValueEngine {
  readonly name = 'memory'
  readonly #versions = new Map<string, RowVersion>()
  readonly #keys = new OrderedKeys()
  #sequence = 0
  #openIterators = 0
  /** Keys that got more than one version, or were deleted, while an iterator was open. */
  #unswept: string[] = []
  readonly #kept = new KeptBytes()
  #closed = false

  get(key: Buffer): Buffer | undefined {
    this.#assertOpen()
    return copyOf(this.#versions.get(key.toString('latin1'))?.value)
  }

  write(batch: WriteBatch): void {
    this.#assertOpen()
    this.#sequence++
    for (let i = 0; i < batch.length; i++) {
      const kind = batch.kind(i)
      if (kind === 'put') {
        const value = batch.value(i)
        this.#set(batch.key(i).toString('latin1'), this.#kept.of(value, 0, value.length))
      } else if (kind === 'delete') this.#delete(batch.key(i).toString('latin1'))
      else {
        const { gte, lt } = batch.range(i)
        this.#deleteRange(gte.toString('latin1'), lt.toString('latin1'))
      }
    }
  }

  iterate(range: EngineRange): EngineIterator {
    this.#assertOpen()
    this.#keys.settle((key) => this.#versions.has(key))
    this.#openIterators++
    return new MemoryIterator(this.#keys, this.#versions, this.#sequence, range, () => this.#iteratorClosed())
  }

  estimate(): EngineEstimate | undefined {
    return this.#closed ? undefined : { rows: this.#versions.size }
  }

  close(): void {
    this.#closed = true
    this.#versions.clear()
  }

  #set(key: string, value: Buffer): void {
    const newest = this.#versions.get(key)
    if (newest === undefined) {
      this.#keys.add(key)
      this.#versions.set(key, { value, sequence: this.#sequence, older: undefined })
    } else this.#replace(key, newest, value)
  }

  #delete(key: string): void {
    const newest = this.#versions.get(key)
    if (newest === undefined) return
    if (this.#openIterators > 0) this.#replace(key, newest, undefined)
    else this.#forget(key)
  }

  #replace(key: string, newest: RowVersion, value: Buffer | undefined): void {
    if (this.#openIterators > 0) {
      newest.older = { value: newest.value, sequence: newest.sequence, older: newest.older }
      this.#unswept.push(key)
    }
    newest.value = value
    newest.sequence = this.#sequence
  }

  #forget(key: string): void {
    this.#versions.delete(key)
    this.#keys.remove(key)
  }

  #deleteRange(gte: string, lt: string): void {
    this.#keys.settle((key) => this.#versions.has(key))
    const doomed: string[] = []
    for (let c = this.#keys.chunkAt(gte); c < this.#keys.chunkCount; c++) {
      const chunk = this.#keys.chunk(c)!
      for (let i = lowerBound(chunk, gte); i < chunk.length && chunk[i]! < lt; i++) doomed.push(chunk[i]!)
      if (chunk.at(-1)! >= lt) break
    }
    for (const key of doomed) this.#delete(key)
  }

  #iteratorClosed(): void {
    if (--this.#openIterators > 0) return
    for (const key of this.#unswept) {
      const newest = this.#versions.get(key)
      if (newest === undefined) continue
      if (newest.value === undefined) this.#forget(key)
      else newest.older = undefined
    }
    this.#unswept = []
  }

  #assertOpen(): void {
    if (this.#closed) throw engineClosed('memory', 'this process')
  }
}

class MemoryIterator implements EngineIterator {
  key: Buffer = NO_BYTES
  value: Buffer = NO_BYTES
  readonly #keys: OrderedKeys
  readonly #versions: ReadonlyMap<string, RowVersion>
  readonly #sequence: number
  readonly #onClose: () => void
  readonly #from: string
  readonly #to: string | undefined
  readonly #reverse: boolean
  #generation: number
  #chunk = 0
  #index = 0
  /** The key that was visited last, by which the place is found again when keys have moved. */
  #last: string | undefined
  #closed = false
  /** Number of rows that may still be read; negative: all. */
  #left: number

  constructor(
    keys: OrderedKeys,
    versions: ReadonlyMap<string, RowVersion>,
    sequence: number,
    range: EngineRange,
    onClose: () => void,
  ) {
    this.#keys = keys
    this.#versions = versions
    this.#sequence = sequence
    this.#from = range.gte?.toString('latin1') ?? ''
    this.#to = range.lt?.toString('latin1')
    this.#reverse = range.reverse ?? false
    this.#left = range.limit ?? -1
    this.#onClose = onClose
    this.#generation = keys.generation
    this.#seek()
  }

  next(): boolean {
    if (this.#closed || this.#left === 0) return false
    while (true) {
      const key = this.#step()
      if (key === undefined) return false
      const value = this.#visible(key)
      if (value === undefined) continue
      this.key = Buffer.from(key, 'latin1')
      this.value = Buffer.from(value)
      this.#left--
      return true
    }
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#onClose()
  }

  #visible(key: string): Buffer | undefined {
    let version = this.#versions.get(key)
    while (version !== undefined && version.sequence > this.#sequence) version = version.older
    return version?.value
  }

  /** Returns the next key in the range; undefined at its end. */
  #step(): string | undefined {
    if (this.#generation !== this.#keys.generation) this.#seek()
    const key = this.#reverse ? this.#stepBack() : this.#stepForward()
    if (key === undefined) return undefined
    if (this.#reverse ? key < this.#from : this.#to !== undefined && key >= this.#to) return undefined
    this.#last = key
    return key
  }

  #stepForward(): string | undefined {
    const chunk = this.#keys.chunk(this.#chunk)
    if (chunk === undefined) return undefined
    if (this.#index < chunk.length) return chunk[this.#index++]
    this.#chunk++
    this.#index = 0
    return this.#stepForward()
  }

  #stepBack(): string | undefined {
    while (this.#index === 0) {
      const before = this.#keys.chunk(--this.#chunk)
      if (before === undefined) {
        this.#chunk = 0
        return undefined
      }
      this.#index = before.length
    }
    return this.#keys.chunk(this.#chunk)?.[--this.#index]
  }

  /** Finds the place of the first key that was not shown yet; in reverse, the place right after it. */
  #seek(): void {
    this.#generation = this.#keys.generation
    const bound = this.#last ?? (this.#reverse ? this.#to : this.#from)
    if (bound === undefined) {
      this.#chunk = Math.max(0, this.#keys.chunkCount - 1)
      this.#index = this.#keys.chunk(this.#chunk)?.length ?? 0
      return
    }
    this.#chunk = this.#keys.chunkAt(bound)
    const chunk = this.#keys.chunk(this.#chunk) ?? []
    this.#index = lowerBound(chunk, bound)
    if (!this.#reverse && chunk[this.#index] === this.#last && this.#last !== undefined) this.#index++
  }
}

function copyOf(value: Buffer | undefined): Buffer | undefined {
  return value === undefined ? undefined : Buffer.from(value)
}
