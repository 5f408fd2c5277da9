import type { MaybePromise } from '../../platform/maybe-promise.ts'
import type {
  EngineEstimate,
  EngineFactory,
  EngineIterator,
  EngineOptions,
  EngineRange,
  KeyValueEngine,
} from '../engine.ts'
import type { WriteBatch } from '../write-batch.ts'

/** An engine whose memory can be changed. It is opened again: bindings take bounds only when they open a database. */
export class ResizableEngine implements KeyValueEngine {
  readonly #factory: EngineFactory
  readonly #directory: string
  #engine: KeyValueEngine
  #options: Required<EngineOptions>
  readonly getMany?: Required<KeyValueEngine>['getMany']
  readonly beginGetMany?: Required<KeyValueEngine>['beginGetMany']

  private constructor(
    factory: EngineFactory,
    directory: string,
    engine: KeyValueEngine,
    options: Required<EngineOptions>,
  ) {
    this.#factory = factory
    this.#directory = directory
    this.#engine = engine
    this.#options = options
    if (engine.getMany !== undefined)
      this.getMany = (keys) => this.#engine.getMany?.(keys) ?? keys.map((key) => this.get(key))
    if (engine.beginGetMany !== undefined) this.beginGetMany = (keys) => this.#engine.beginGetMany?.(keys)
  }

  /** @throws as `EngineFactory.open` */
  static async open(
    factory: EngineFactory,
    directory: string,
    options: Required<EngineOptions>,
  ): Promise<ResizableEngine> {
    return new ResizableEngine(factory, directory, await factory.open(directory, options), options)
  }

  get name(): KeyValueEngine['name'] {
    return this.#engine.name
  }

  get options(): Required<EngineOptions> {
    return this.#options
  }

  /**
   * Changes the memory of the engine. Nothing may be read or written until it resolves: a query that still reads fails
   * as on a closed engine. If it rejects, the engine is closed.
   */
  async resize(options: Required<EngineOptions>): Promise<void> {
    const { writeBufferBytes, blockCacheBytes } = this.#options
    if (writeBufferBytes === options.writeBufferBytes && blockCacheBytes === options.blockCacheBytes) return
    await this.#engine.close()
    this.#engine = await this.#factory.open(this.#directory, options)
    this.#options = options
  }

  get(key: Buffer): Buffer | undefined {
    return this.#engine.get(key)
  }

  iterate(range: EngineRange): EngineIterator {
    return this.#engine.iterate(range)
  }

  prepare(batch: WriteBatch): void {
    this.#engine.prepare?.(batch)
  }

  write(batch: WriteBatch, options?: { readonly sync?: boolean }): MaybePromise<void> {
    return this.#engine.write(batch, options)
  }

  estimate(): EngineEstimate | undefined {
    return this.#engine.estimate?.()
  }

  close(): MaybePromise<void> {
    return this.#engine.close()
  }
}
