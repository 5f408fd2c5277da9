import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { bytes, json, string, topic, type Topic } from '../../../src/index.ts'
import type { BadInput, SourceBatch, SourceSpec } from '../../../src/connect/definition/source.ts'
import { fileSource } from '../../../src/connect/files/file-source.ts'
import type { FileSourceConfig } from '../../../src/connect/files/file-source-options.ts'
import { NOTHING_READ, type FilesPosition } from '../../../src/connect/files/reading/file-position.ts'
import { silentLogger } from '../../../src/application/application.ts'

export const lines: Topic<string, string> = topic('lines', { key: string(), value: string() })
export const values: Topic<string, unknown> = topic('values', { key: string(), value: json<unknown>() })
export const raw: Topic<string, Buffer> = topic('raw', { key: string(), value: bytes() as never })

/** Makes a directory that is removed after the test. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-files-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export interface Read {
  /** Values of the records, and of what is no record: its error. */
  readonly values: unknown[]
  readonly bad: BadInput[]
  /** Position after each batch. */
  readonly positions: FilesPosition[]
  readonly warnings: object[]
}

type Batch = SourceBatch<unknown, unknown, FilesPosition>

/** Reads as the runtime does: what a batch holds is taken before the next one is asked for. */
export class Reading {
  readonly read: Read = { values: [], bad: [], positions: [], warnings: [] }
  readonly #stop = new AbortController()
  readonly #batches: AsyncIterator<Batch>

  constructor(source: SourceSpec, position: FilesPosition = NOTHING_READ, untilEnd = false) {
    const logger = { ...silentLogger, warn: (fields: object) => void this.read.warnings.push(fields) }
    const context = { partition: 'all', position: copied(position), signal: this.#stop.signal, untilEnd, logger }
    this.#batches = source.read(context as never)[Symbol.asyncIterator]() as AsyncIterator<Batch>
  }

  get position(): FilesPosition {
    return this.read.positions.at(-1) ?? NOTHING_READ
  }

  /** Takes batches until there are so many values. */
  async take(count: number): Promise<unknown[]> {
    while (this.read.values.length < count && (await this.next()));
    return this.read.values
  }

  /** Takes a batch; false if there are no more. */
  async next(): Promise<boolean> {
    const { done, value } = await this.#batches.next()
    if (done === true) return false
    for (const record of value.records) {
      if ('error' in record) this.read.bad.push(record)
      else this.read.values.push(record.value)
    }
    this.read.positions.push(copied(value.position))
    return true
  }

  async stop(): Promise<void> {
    this.#stop.abort()
    await this.#batches.return?.()
  }
}

/** Reads what there is, to the end. */
export async function readAll<K, V>(config: FileSourceConfig<K, V>, position?: FilesPosition): Promise<Read> {
  const reading = new Reading(fileSource(config) as SourceSpec, position, true)
  while (await reading.next());
  return reading.read
}

export function follow<K, V>(config: FileSourceConfig<K, V>, position?: FilesPosition): Reading {
  const reading = new Reading(fileSource(config) as SourceSpec, position)
  onTestFinished(() => reading.stop())
  return reading
}

function copied(position: FilesPosition): FilesPosition {
  return JSON.parse(JSON.stringify(position)) as FilesPosition
}
