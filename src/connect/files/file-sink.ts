import { gzipSync } from 'node:zlib'
import { extname } from 'node:path'
import { isError, MillraceError, messageOf } from '../../errors/millrace-error.ts'
import { flag, option, readOptions, text, type Place, type TableOf, type Values } from '../../options/options.ts'
import type { TopicPartition } from '../../log/log.ts'
import { TextBlock } from '../../record-forms/text-block.ts'
import type { Connector } from '../definition/connector.ts'
import {
  defineSink,
  SINK,
  type OpeningSinkConfig,
  type OpenSink,
  type SinkBatch,
  type SinkRecord,
} from '../definition/sink.ts'
import { isPassing } from './failures/file-failure.ts'
import { isPacked } from './reading/byte-source.ts'
import { ExactFile } from './writing/exact-file.ts'

type SinkCommon<K, V> = Pick<
  OpeningSinkConfig<K, V>,
  'name' | 'topics' | 'retry' | 'onError' | 'commitInterval' | 'maxBatch' | 'maxRecords' | 'transform'
>

/** What `fileSink` is given. */
export interface FileSinkConfig<K, V> extends SinkCommon<K, V> {
  /**
   * The file that is appended to. Its directory is created if it does not exist. A file whose name ends with `.gz` is
   * packed: each batch is a member of its own.
   */
  readonly path: string
  /**
   * What is written for a record. `lines`: its value, a text or bytes, and a line end; a value that has a line end in
   * it is refused. `ndjson`: its value as JSON, and a line end. A function returns the text or the bytes, with the line
   * end if there is to be one; an empty text writes nothing. Default `lines`
   */
  readonly format?: 'lines' | 'ndjson' | ((record: SinkRecord<K, V>) => string | Uint8Array)
  /**
   * True: a file for each partition, so that several instances can share the work: `out/lines.txt` becomes
   * `out/lines-<topic>-<partition>.txt`. Default false
   */
  readonly perPartition?: boolean
}

type AnyRecord = SinkRecord<unknown, unknown>
type Format = 'lines' | 'ndjson' | ((record: AnyRecord) => string | Uint8Array)

const { name, topics, retry, onError, commitInterval, maxBatch, maxRecords, transform } = SINK

export const FILE_SINK = {
  name,
  topics,
  path: text({ required: true, description: 'the file that is appended to', kafka: 'file' }),
  format: option<Format>(
    "`'lines'`, `'ndjson'`, function",
    { default: 'lines', defaultText: "`'lines'`", description: 'what is written for a record' },
    readFormat,
  ),
  perPartition: flag({ default: false, description: 'a file for each partition' }),
  onError,
  retry,
  // A batch waits for the disk, however small it is.
  maxRecords: { ...maxRecords, default: 100_000 },
  commitInterval,
  maxBatch: { ...maxBatch, default: 8 * 1024 * 1024, defaultText: '8 MiB' },
  transform,
} satisfies TableOf<FileSinkConfig<unknown, unknown>>

type Options = Values<typeof FILE_SINK>

function readFormat(value: unknown, place: Place): Format {
  if (value === 'lines' || value === 'ndjson' || typeof value === 'function') return value as Format
  throw place.refuse(value, "Give 'lines', 'ndjson' or a function.")
}

/**
 * Appends the records of topics to a file, each exactly once: what is in the file and where the topics are read on is
 * kept together, and a process that was believed dead can write no more.
 *
 * @throws MR_CONFIG for an option that is unknown or impossible. While it runs: MR_SINK_FOREIGN if the file holds what
 * this connector has not written; MR_SINK_TAKEN; MR_FILE_KIND, MR_FILE_PERMISSION, MR_FILE_SPACE, MR_FILE_IO;
 * MR_FILE_RECORD for a value that cannot be written, as `onError` says
 * @example
 * ```ts
 * fileSink({ name: 'out', topics: [logLines], path: 'out/lines.txt' })
 * ```
 */
export function fileSink<K, V>(config: FileSinkConfig<K, V>): Connector {
  const options = readOptions(FILE_SINK, config, 'fileSink()')
  const { onError, commitInterval, maxBatch, maxRecords, transform, ...others } = options
  return defineSink<unknown, unknown>({
    name: others.name,
    topics: others.topics,
    guarantee: 'exactly-once',
    onError,
    commitInterval,
    maxBatch,
    maxRecords,
    ...(transform === undefined ? {} : { transform }),
    retry: { retryOn: isPassing, ...others.retry },
    open: ({ partitions }) => OpenFiles.open(options, partitions),
  })
}

/** The files of one instance. */
class OpenFiles implements OpenSink<unknown, unknown> {
  readonly #format: Format
  readonly #isPacked: boolean
  readonly #pathOf: (partition: TopicPartition) => string
  readonly #files = new Map<string, ExactFile>()
  readonly #block = new TextBlock()

  private constructor(options: Options) {
    this.#format = options.format
    this.#isPacked = isPacked(options.path)
    this.#pathOf = options.perPartition ? (partition) => pathOf(options.path, partition) : () => options.path
  }

  static async open(options: Options, partitions: readonly TopicPartition[]): Promise<OpenFiles> {
    const sink = new OpenFiles(options)
    try {
      for (const path of new Set(partitions.map(sink.#pathOf)))
        sink.#files.set(path, await ExactFile.open(path, options.name))
    } catch (error) {
      await sink.close()
      throw error
    }
    return sink
  }

  get offsets() {
    return [...this.#files.values()].flatMap((file) => file.offsets)
  }

  async write(batch: SinkBatch<unknown, unknown>): Promise<void> {
    for (const [path, file] of this.#files) {
      const offsets = batch.offsets.filter((each) => this.#pathOf(each) === path)
      if (offsets.length > 0) await file.append(await this.#bytesOf(batch, path), offsets)
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#files.values()].map((file) => file.close()))
  }

  async #bytesOf({ records, refuse }: SinkBatch<unknown, unknown>, path: string): Promise<Buffer> {
    const block = this.#block
    block.cut(0)
    for (const record of records) {
      if (this.#files.size > 1 && this.#pathOf(record) !== path) continue
      const start = block.length
      try {
        append(block, record, this.#format)
      } catch (error) {
        block.cut(start)
        await refuse(record, unwritable(record, error))
      }
    }
    const bytes = Buffer.from(block.bytes)
    return this.#isPacked && bytes.length > 0 ? gzipSync(bytes) : bytes
  }
}

function pathOf(path: string, { topic, partition }: TopicPartition): string {
  const end = isPacked(path) ? `${extname(path.slice(0, -3))}.gz` : extname(path)
  return `${path.slice(0, path.length - end.length)}-${topic}-${partition}${end}`
}

/** Appends the text of a record. Throws an error with a message and a hint for a value that has none. */
function append(block: TextBlock, record: AnyRecord, format: Format): void {
  if (typeof format === 'function') return put(block, format(record), 'the function format returned')
  const { value } = record
  if (format === 'ndjson') {
    const json = JSON.stringify(value) as string | undefined
    if (json === undefined) throw new TypeError(`a value of type ${typeof value} is no JSON`)
    block.text(json)
  } else {
    put(block, value, 'its value is')
    if (hasLineEnd(value)) throw new TypeError('its value has a line end in it')
  }
  block.text('\n')
}

function put(block: TextBlock, written: unknown, what: string): void {
  if (typeof written === 'string') block.text(written)
  else if (written instanceof Uint8Array) block.copy(bufferOf(written), 0, written.length)
  else throw new TypeError(`${what} ${written === null ? 'null, a tombstone' : `a value of type ${typeof written}`}`)
}

function hasLineEnd(value: unknown): boolean {
  return typeof value === 'string' ? value.includes('\n') : (value as Uint8Array).includes(0x0a)
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
}

function unwritable({ topic, partition, offset }: AnyRecord, thrown: unknown): MillraceError {
  return new MillraceError('MR_FILE_RECORD', `a record cannot be written: ${messageOf(thrown)}`, {
    topic,
    partition,
    offset,
    hint: 'Make it text by format or transform, drop it by transform, or let onError pass it over.',
    cause: isError(thrown) && !(thrown instanceof TypeError) ? thrown : undefined,
  })
}
