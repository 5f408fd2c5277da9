import type { MaybePromise } from '../../../src/platform/maybe-promise.ts'
import type {
  EngineFactory,
  EngineIterator,
  EngineRange,
  KeyValueEngine,
  PendingRows,
} from '../../../src/engine/engine.ts'
import type { WriteBatch } from '../../../src/engine/write-batch.ts'

/** Returns false if the rows that were asked for shall not arrive in time. */
export type InTime = () => boolean

/** Makes engines that read beside their thread, as RocksDB does, but deliver rows when a test says so. */
export function readingBeside(factory: EngineFactory, inTime: InTime, begun?: (keys: number) => void): EngineFactory {
  return {
    name: factory.name,
    persistent: factory.persistent,
    destroy: (directory) => factory.destroy(directory),
    open: async (directory, options) => new ReadingBeside(await factory.open(directory, options), inTime, begun),
  }
}

class ReadingBeside implements KeyValueEngine {
  readonly name: KeyValueEngine['name']
  readonly #inner: KeyValueEngine
  readonly #inTime: InTime
  readonly #begun: ((keys: number) => void) | undefined

  constructor(inner: KeyValueEngine, inTime: InTime, begun: ((keys: number) => void) | undefined) {
    this.name = inner.name
    this.#inner = inner
    this.#inTime = inTime
    this.#begun = begun
  }

  get(key: Buffer): Buffer | undefined {
    return this.#inner.get(key)
  }

  getMany(keys: readonly Buffer[]): readonly (Buffer | undefined)[] {
    return this.#inner.getMany?.(keys) ?? keys.map((key) => this.#inner.get(key))
  }

  beginGetMany(keys: readonly Buffer[]): PendingRows {
    this.#begun?.(keys.length)
    const rows = keys.map((key) => this.#inner.get(key))
    let isDone = false
    const once = (): void => {
      if (isDone) throw new Error('taken or dropped twice')
      isDone = true
    }
    return {
      take: () => {
        once()
        return this.#inTime() ? rows : undefined
      },
      drop: once,
    }
  }

  iterate(range: EngineRange): EngineIterator {
    return this.#inner.iterate(range)
  }

  write(batch: WriteBatch, options?: { readonly sync?: boolean }): MaybePromise<void> {
    return this.#inner.write(batch, options)
  }

  close(): MaybePromise<void> {
    return this.#inner.close()
  }
}
