import { messageOf } from '../../errors/millrace-error.ts'
import { Place, readOptions, type Values } from '../../options/options.ts'
import type { Connector } from '../definition/connector.ts'
import {
  defineSource,
  type BadInput,
  type ReadContext,
  type SourceBatch,
  type SourceRecord,
} from '../definition/source.ts'
import { BytesFormat, CsvFormat, JsonFormat, TextFormat } from './decoding/formats.ts'
import { InputError, NOTHING, type InputFormat } from './decoding/input-format.ts'
import { isWide, textDecoding } from './decoding/text-decoding.ts'
import { finish } from './done-files.ts'
import { isPassing } from './failures/file-failure.ts'
import { FILE_SOURCE, fits, type FileInput, type FileSourceConfig } from './file-source-options.ts'
import { CsvFramer, DelimiterFramer, LineFramer, WideLineFramer, type Framer } from './framing/framer.ts'
import type { Block } from './reading/block.ts'
import { NOTHING_READ, type FilesPosition } from './reading/file-position.ts'
import { FilePattern } from './reading/file-pattern.ts'
import { FilesReader } from './reading/files-reader.ts'
import { KnownFiles } from './reading/known-files.ts'
import type { Layout } from './reading/record-window.ts'

type Options = Values<typeof FILE_SOURCE>
type Batch = SourceBatch<unknown, unknown, FilesPosition>

/**
 * Reads files into a topic: a record for each line, value of JSON or row of CSV. What was read is committed with the
 * records, so that none is lost or doubled, whatever ends the process; renamed, packed and truncated files are known.
 *
 * @throws MR_CONFIG for an option that is unknown or impossible. While it runs: MR_FILE_MISSING, MR_FILE_KIND,
 * MR_FILE_PERMISSION, MR_FILE_IO, MR_FILE_DAMAGED, MR_FILE_MANY; MR_FILE_RECORD for what is no record, as `onError`
 * says
 * @example
 * ```ts
 * fileSource({ name: 'lines', path: 'in/*.log', topic: logLines })
 * ```
 */
export function fileSource<K, V>(config: FileSourceConfig<K, V>): Connector {
  const options = readOptions(FILE_SOURCE, config, 'fileSource()')
  const { name, topic, topicOptions, onError, commitInterval, maxBatch, transform, format, encoding } = options
  if (!fits(format, encoding)) {
    const place = new Place('fileSource()', 'encoding', FILE_SOURCE.encoding)
    throw place.refuse(encoding, "In UTF-16 there are 'lines' and 'ndjson'. Make the file UTF-8 first, by iconv.")
  }
  return defineSource<unknown, unknown, FilesPosition>({
    name,
    topic,
    onError,
    commitInterval,
    maxBatch,
    ...(topicOptions === undefined ? {} : { topicOptions }),
    ...(transform === undefined ? {} : { transform }),
    retry: { retryOn: isPassing, ...options.retry },
    start: NOTHING_READ,
    read: (context) => readFiles(options, context),
    committed: ({ position }) => finish(position, options.done),
  })
}

async function* readFiles(options: Options, context: ReadContext<FilesPosition>): AsyncGenerator<Batch> {
  const { position, signal, untilEnd } = context
  await finish(position, options.done)
  const pattern = await FilePattern.of(options.path)
  await pattern.require(options.missing === 'wait' || position.files.length > 0)
  const files = new KnownFiles(pattern, position, (path, what, bytes) =>
    context.logger.warn({ connector: options.name, path, bytes }, `${path} ${what} before it was read to its end`),
  )
  const format = formatOf(options)
  const { flushPartial, pollInterval } = options
  const doneAfter = options.done === 'keep' ? Infinity : options.doneAfter
  const following = { flushPartial, pollInterval, doneAfter, signal, untilEnd }
  const reader = new FilesReader(pattern, files, layoutOf(options, format), following)
  for await (const block of reader.blocks())
    yield { records: recordsOf(block, format, options), position: files.position() }
}

function layoutOf({ format, encoding, columns, maxRecord }: Options, input: InputFormat): Layout {
  const header = input instanceof CsvFormat && columns === undefined
  return {
    framer: framerOf(format, encoding),
    maxRecord,
    mark: encoding === 'bytes' ? Buffer.alloc(0) : textDecoding(encoding).mark,
    header: header ? (row) => input.cells(row.toString('utf8')) : undefined,
  }
}

function framerOf(format: Options['format'], encoding: string): Framer {
  if (format === 'csv') return new CsvFramer()
  if (typeof format === 'object') return new DelimiterFramer(Buffer.from(format.split))
  return isWide(encoding) ? new WideLineFramer(/be$/i.test(encoding)) : new LineFramer()
}

function formatOf({ format, encoding, columns, delimiter }: Options): InputFormat {
  if (encoding === 'bytes') return new BytesFormat()
  const text = textDecoding(encoding)
  if (format === 'csv') return new CsvFormat(text, columns, delimiter)
  return format === 'ndjson' ? new JsonFormat(text) : new TextFormat(text)
}

function* recordsOf(
  block: Block,
  format: InputFormat,
  { value: toValue, key: toKey, timestamp: toTimestamp }: Options,
): Generator<SourceRecord<unknown, unknown> | BadInput> {
  if (block.bad !== undefined) yield block.bad
  format.prepare(block)
  const hasPlace = toValue !== undefined || toKey !== undefined || toTimestamp !== undefined
  for (let index = 0; index < block.count; index++) {
    let record: SourceRecord<unknown, unknown> | BadInput
    try {
      const input = format.read(block, index)
      if (input === NOTHING) continue
      record = hasPlace ? made(input, block, index) : { value: input }
    } catch (thrown) {
      record = refused(block, index, thrown)
    }
    yield record
  }

  function made(input: unknown, { path, lines }: Block, index: number): SourceRecord<unknown, unknown> {
    const read: FileInput<unknown> = { input, path, line: lines[index]! }
    const value = toValue === undefined ? input : toValue(input, read)
    const key = toKey === undefined ? null : toKey(value, read)
    return toTimestamp === undefined ? { key, value } : { key, value, timestamp: toTimestamp(value, read) }
  }
}

function refused(block: Block, index: number, thrown: unknown): BadInput {
  if (thrown instanceof InputError) return block.badRecord(index, thrown.message, thrown.hint, thrown.cause)
  return block.badRecord(
    index,
    `a function of fileSource threw: ${messageOf(thrown)}`,
    'Correct the function, or let onError pass such records over.',
    thrown,
  )
}
