import {
  byteSize,
  duration,
  func,
  oneOf,
  option,
  text,
  type ByteSize,
  type Duration,
  type Place,
  type TableOf,
} from '../../options/options.ts'
import { SOURCE, type SourceConfig } from '../definition/source.ts'
import { LONGEST_DELIMITER } from './framing/framer.ts'
import { isWide, textDecoding } from './decoding/text-decoding.ts'

/** What was read of a file, and where. */
export interface FileInput<Input> {
  /** A line, a value of JSON, a row: what `value` gets. */
  readonly input: Input
  readonly path: string
  /** Number of the line in which it begins; the first one is 1. */
  readonly line: number
}

type SourceCommon<K, V> = Pick<
  SourceConfig<K, V, never>,
  'name' | 'topic' | 'topicOptions' | 'retry' | 'onError' | 'commitInterval' | 'maxBatch' | 'transform'
>

interface FileSourceBase<K, V, Input> extends SourceCommon<K, V> {
  /**
   * The file, or a pattern that fits several, as `in/*.log` does. Files whose names end with `.gz` are unpacked.
   * Files are read one after the other, by the time of their last change, then by name, and followed where they grow.
   */
  readonly path: string
  /** Makes what was read the value of the record: a line, a value of JSON, a row. Default: it is the value. */
  readonly value?: (input: Input, read: FileInput<Input>) => V | null
  /** Returns the key of a record with this value, made of what was read. Default: null */
  readonly key?: (value: V, read: FileInput<Input>) => K | null
  /** Returns the event time of a record with this value, ms since the epoch. Default: when it is written */
  readonly timestamp?: (value: V, read: FileInput<Input>) => number
  /** Most bytes of a record. A longer one is passed over as `onError` says. Default 1 MiB */
  readonly maxRecord?: ByteSize
  /**
   * What a path means that does not exist: `fail`, unless the source has read it before; `wait` until it does.
   * Default `fail`
   */
  readonly missing?: 'fail' | 'wait'
  /**
   * Time without a change after which what has no delimiter at the end of a file is a record. Default: never; it waits
   * for its delimiter. `--until-end` takes it at once.
   */
  readonly flushPartial?: Duration
  /**
   * What is done with a file once all of its records are committed, and it has not changed for `doneAfter`: `keep`,
   * `delete`, or `move` it into a directory, which lies outside of the pattern. Default `keep`
   */
  readonly done?: 'keep' | 'delete' | { readonly move: string }
  /** Time without a change after which a file is done. Default 5 s; with `--until-end`, none */
  readonly doneAfter?: Duration
  /** Time between two looks at the disk where the system does not notify of changes. Default 1 s */
  readonly pollInterval?: Duration
}

/** A record for each line, or for each text between two delimiters. */
export interface TextFileSource<K, V> extends FileSourceBase<K, V, string> {
  /** Default `lines`. The text of `split` ends each record, exactly: `{ split: '\n---\n' }`. */
  readonly format?: 'lines' | { readonly split: string }
  /**
   * Encoding of the file: `utf8`, `latin1`, or a label of the WHATWG's standard such as `shift_jis`, `utf-16le`. Bytes
   * that mean nothing in it are no record: `onError` decides. Default `utf8`
   */
  readonly encoding?: string
}

/** A record for each line, of the bytes that it has. */
export interface BytesFileSource<K, V> extends FileSourceBase<K, V, Buffer> {
  readonly format?: 'lines' | { readonly split: string }
  readonly encoding: 'bytes'
}

/** A record for each line, which is a value of JSON. */
export interface JsonFileSource<K, V> extends FileSourceBase<K, V, unknown> {
  readonly format: 'ndjson'
  readonly encoding?: string
}

/** A record for each row: an object of texts, by the names of the columns. */
export interface CsvFileSource<K, V> extends FileSourceBase<K, V, Readonly<Record<string, string>>> {
  readonly format: 'csv'
  readonly encoding?: string
  /** Names of the columns. Default: the first row of each file has them */
  readonly columns?: readonly string[]
  /** What stands between two cells. Default `,` */
  readonly delimiter?: string
}

/** What `fileSource` is given. */
export type FileSourceConfig<K, V> =
  | TextFileSource<K, V>
  | BytesFileSource<K, V>
  | JsonFileSource<K, V>
  | CsvFileSource<K, V>

type Format = 'lines' | 'ndjson' | 'csv' | { readonly split: string }
type Done = 'keep' | 'delete' | { readonly move: string }
type AnyFunction<Result> = (input: unknown, read: FileInput<unknown>) => Result

const { name, topic, topicOptions, retry, onError, commitInterval, maxBatch, transform } = SOURCE

export const FILE_SOURCE = {
  name,
  path: text({ required: true, description: 'a file, or a pattern such as `in/*.log`', kafka: 'file' }),
  topic,
  topicOptions,
  format: option<Format>(
    "`'lines'`, `'ndjson'`, `'csv'`, `{ split: '…' }`",
    { default: 'lines', defaultText: "`'lines'`", description: 'what a record is' },
    readFormat,
  ),
  encoding: option<string>(
    "`'utf8'`, `'latin1'`, `'bytes'`, a label of the WHATWG",
    { default: 'utf8', defaultText: "`'utf8'`", description: 'encoding of the file' },
    readEncoding,
  ),
  columns: option<readonly string[]>(
    'list of texts',
    { description: 'names of the columns of CSV', defaultText: 'the first row of each file' },
    readColumns,
  ),
  delimiter: option<string>(
    'one character',
    { default: ',', defaultText: "`','`", description: 'what stands between two cells of CSV' },
    (value, place) => {
      if (typeof value === 'string' && value.length === 1 && !/["\r\n]/.test(value)) return value
      throw place.refuse(value, "Give one character, as in ';'.")
    },
  ),
  value: func<AnyFunction<unknown>>({ description: 'makes what was read the value of the record' }),
  key: func<AnyFunction<unknown>>({ description: 'key of a record with this value' }),
  timestamp: func<AnyFunction<number>>({ description: 'event time of a record with this value, ms' }),
  maxRecord: byteSize({
    default: 1024 * 1024,
    defaultText: '1 MiB',
    least: 1,
    most: 512 * 1024 * 1024,
    description: 'most bytes of a record; a longer one is passed over as `onError` says',
  }),
  missing: oneOf(['fail', 'wait'], { default: 'fail', description: 'what a path means that does not exist' }),
  flushPartial: duration({
    default: Infinity,
    defaultText: 'never',
    description: 'time without a change after which a last line without a line end is a record',
  }),
  done: option<Done>(
    "`'keep'`, `'delete'`, `{ move: directory }`",
    { default: 'keep', defaultText: "`'keep'`", description: 'what is done with a file that was read' },
    readDone,
  ),
  doneAfter: duration({
    default: 5000,
    defaultText: '5 s',
    description: 'time without a change after which a file is done',
  }),
  pollInterval: duration({
    default: 1000,
    defaultText: '1 s',
    least: 1,
    description: 'time between two looks at the disk where the system does not notify of changes',
  }),
  onError,
  retry,
  commitInterval,
  maxBatch,
  transform,
} satisfies TableOf<UnionOfAll>

/** All options of all formats. */
type UnionOfAll = { readonly [Name in Names<FileSourceConfig<unknown, unknown>>]: unknown }
type Names<Config> = Config extends unknown ? keyof Config : never

function readFormat(value: unknown, place: Place): Format {
  if (value === 'lines' || value === 'ndjson' || value === 'csv') return value
  const split: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'split') : undefined
  if (typeof split === 'string' && split !== '' && Buffer.byteLength(split) <= LONGEST_DELIMITER) return { split }
  throw place.refuse(
    value,
    `Give 'lines', 'ndjson', 'csv' or { split: text }, with a text of at most ${LONGEST_DELIMITER} bytes.`,
  )
}

function readEncoding(value: unknown, place: Place): string {
  if (value === 'bytes') return value
  try {
    if (typeof value !== 'string') throw new RangeError('no text')
    textDecoding(value)
    return value
  } catch (cause) {
    throw place.refuse(value, "Give 'utf8', 'latin1', 'bytes', or a label such as 'shift_jis' or 'utf-16le'.", cause)
  }
}

function readColumns(value: unknown, place: Place): readonly string[] {
  if (Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string')) {
    if (new Set(value).size === value.length) return [...value] as readonly string[]
    throw place.refuse(value, 'Give each column a name of its own.')
  }
  throw place.refuse(value, "Give the names of all columns, as in ['id', 'name'].")
}

function readDone(value: unknown, place: Place): Done {
  if (value === 'keep' || value === 'delete') return value
  const move: unknown = typeof value === 'object' && value !== null ? Reflect.get(value, 'move') : undefined
  if (typeof move === 'string' && move !== '') return { move }
  throw place.refuse(value, "Give 'keep', 'delete' or { move: directory }.")
}

/** Formats that cannot be in an encoding whose line ends are two bytes. */
export function fits(format: Format, encoding: string): boolean {
  return !isWide(encoding) || format === 'lines' || format === 'ndjson'
}
