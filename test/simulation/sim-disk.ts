import { MillraceError } from '../../src/errors/millrace-error.ts'
import type { WriteBatch } from '../../src/engine/write-batch.ts'
import type {
  EngineFactory,
  EngineIterator,
  EngineRange,
  KeyValueEngine,
  PendingRows,
} from '../../src/engine/engine.ts'
import { memoryEngine } from '../../src/engine/memory/memory-engine.ts'
import type { MaybePromise } from '../../src/platform/maybe-promise.ts'
import type { SimProcess } from './sim-process.ts'

interface Directory {
  readonly content: KeyValueEngine
  holder: SimEngine | undefined
}

/** A disk that outlives the processes that use it. */
export class SimDisk {
  readonly #directories = new Map<string, Directory>()

  /** Makes engines of one process on this disk. A write that is under way when the process crashes may last or not. */
  engines(process: SimProcess): EngineFactory {
    process.onEnd.push(() => {
      for (const directory of this.#directories.values()) directory.holder = undefined
    })
    return {
      name: 'rocksdb',
      // The directories are not those of this machine.
      persistent: false,
      open: (path) =>
        process.local(`opens ${path}`, () => {
          const directory = this.#directory(path)
          if (directory.holder !== undefined) {
            throw new MillraceError('MR_STATE_LOCKED', `${path} is in use`)
          }
          directory.holder = new SimEngine(process, path, directory.content, () => (directory.holder = undefined))
          return directory.holder
        }),
      destroy: (path) => void this.#directories.delete(path),
    }
  }

  wipe(): void {
    this.#directories.clear()
  }

  #directory(path: string): Directory {
    let directory = this.#directories.get(path)
    if (directory === undefined) {
      directory = { content: memoryEngine.open(path), holder: undefined }
      this.#directories.set(path, directory)
    }
    return directory
  }
}

class SimEngine implements KeyValueEngine {
  readonly name = 'rocksdb'
  readonly #process: SimProcess
  readonly #path: string
  readonly #content: KeyValueEngine
  readonly #release: () => void
  /** Writes under way, oldest first. */
  #writing: (() => void)[] = []
  #closed = false

  constructor(process: SimProcess, path: string, content: KeyValueEngine, release: () => void) {
    this.#process = process
    this.#path = path
    this.#content = content
    this.#release = release
    process.onEnd.push(() => {
      for (const write of this.#writing) {
        if (!process.schedule.random.chance(0.5)) break
        write()
      }
    })
  }

  get(key: Buffer): Buffer | undefined {
    this.#assertOpen()
    return this.#content.get(key)
  }

  getMany(keys: readonly Buffer[]): readonly (Buffer | undefined)[] {
    this.#assertOpen()
    return keys.map((key) => this.#content.get(key))
  }

  /** A slow disk returns rows late: they must not count instead of rows that have been written since. */
  beginGetMany(keys: readonly Buffer[]): PendingRows | undefined {
    this.#assertOpen()
    const { random } = this.#process.schedule
    if (random.chance(0.2)) return undefined
    const rows = keys.map((key) => this.#content.get(key))
    return {
      take: () => (this.#closed || random.chance(0.2) ? undefined : rows),
      drop: () => {},
    }
  }

  iterate(range: EngineRange): EngineIterator {
    this.#assertOpen()
    return this.#content.iterate(range)
  }

  write(batch: WriteBatch): MaybePromise<void> {
    this.#assertOpen()
    // The caller may use its buffers again as soon as this returns.
    const copy = batch.copy()
    const write = (): void => void this.#content.write(copy)
    this.#writing.push(write)
    return this.#process.local(`writes ${this.#path}`, () => {
      this.#writing = this.#writing.filter((other) => other !== write)
      write()
    })
  }

  close(): MaybePromise<void> {
    this.#process.assertAlive()
    if (this.#closed) return
    this.#closed = true
    return this.#process.local(`closes ${this.#path}`, this.#release)
  }

  #assertOpen(): void {
    this.#process.assertAlive()
    if (this.#closed) throw new MillraceError('MR_STATE_CLOSED', `the engine of ${this.#path} is closed`)
  }
}
