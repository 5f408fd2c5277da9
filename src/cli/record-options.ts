import {
  duration,
  flag,
  INT32_MAX,
  oneOf,
  option,
  text,
  wholeNumber,
  type Place,
  type TableOf,
} from '../options/options.ts'
import { data, json, kafka, KAFKA_LOGIN, logFormat, type CommandOption } from './command-options.ts'
import type { ConsumeOptions } from './consume-command.ts'
import type { ProduceOptions } from './produce-command.ts'
import { GIVEN_FORMS, SHOWN_FORMS, type GivenForm, type ShownForm } from '../record-forms/forms.ts'
import { parseFormat, type FormatPart } from './records/record-format.ts'
import { timeOption } from './time-option.ts'
import { parseTime } from '../record-forms/time-text.ts'
import { messageOf } from '../errors/millrace-error.ts'
import type { Start } from './start-offsets.ts'

/** What follows the name of a header up to its value. */
const HEADER = /^([^=]+)=(.*)$/s

/** A text that may be empty, or blank. A tab can be written as `\t`. */
function anyText(about: {
  readonly description: string
  readonly default?: string
  readonly defaultText?: string
}): CommandOption {
  return option<string>('text', about, (value) => String(value).replaceAll('\\t', '\t'))
}

/** The options of `millrace produce`. */
export const PRODUCE = {
  kafka,
  ...KAFKA_LOGIN,
  data,
  keySeparator: {
    ...anyText({ defaultText: 'none: lines are values', description: 'text between key and value of a line' }),
    value: 'text',
  },
  withHeaders: flag({
    default: false,
    description: 'lines begin with headers, as in `name:value,name:value`, and a tab',
  }),
  json: {
    ...flag({ default: false, description: 'lines are JSON, as `consume --json` prints them' }),
    conflicts: 'keySeparator',
  },
  key: {
    ...oneOf<GivenForm>(GIVEN_FORMS, { defaultText: "`'text'`", description: 'what a key is written as' }),
    value: 'form',
  },
  value: {
    ...oneOf<GivenForm>(GIVEN_FORMS, { defaultText: "`'text'`", description: 'what a value is written as' }),
    value: 'form',
  },
  null: { ...anyText({ defaultText: 'none', description: 'key or value that stands for null' }), value: 'text' },
  header: {
    ...option<readonly [string, string]>(
      'NAME=VALUE',
      { description: 'header of every record; may be given several times' },
      (value, place) => {
        const [, name, content = ''] = HEADER.exec(String(value)) ?? []
        if (name !== undefined) return [name, content]
        throw place.refuse(value, 'Give NAME=VALUE.')
      },
    ),
    value: 'header',
    isList: true,
  },
  partition: {
    ...wholeNumber({ defaultText: 'by key, else in turn', description: 'partition of the records that name none' }),
    value: 'n',
  },
  timestamp: timeOption({ defaultText: 'now', description: 'timestamp of the records that name none' }),
  logFormat,
} satisfies TableOf<ProduceOptions, CommandOption>

/** The options of `millrace consume`. */
export const CONSUME = {
  kafka,
  ...KAFKA_LOGIN,
  data,
  fromBeginning: { ...flag({ default: false, description: 'as `--offset beginning`' }), conflicts: 'offset' },
  offset: {
    ...option<Start>(
      'beginning, end, 5, -10, @TIME',
      {
        defaultText: 'end; with `--until-end`, beginning',
        description:
          'where to begin: at an offset of one partition, before the last records of each one, or at a time: ms, or ' +
          'as in 2030-01-31T12:00:00Z',
      },
      readStart,
    ),
    value: 'where',
  },
  partition: {
    ...option<readonly number[]>('0,2', { defaultText: 'all', description: 'partitions to read' }, (value, place) => {
      const numbers = String(value).split(',')
      if (numbers.every((each) => /^\d{1,10}$/.test(each))) return [...new Set(numbers.map(Number))]
      throw place.refuse(value, 'Give the numbers of partitions, as in 0 or 0,2.')
    }),
    value: 'numbers',
  },
  limit: {
    ...wholeNumber({
      least: 1,
      most: Number.MAX_SAFE_INTEGER,
      defaultText: 'all',
      description: 'most records to print',
    }),
    value: 'count',
    letter: 'n',
  },
  untilEnd: {
    ...flag({ default: false, description: 'end after the records that are there at the start' }),
    letter: 'e',
  },
  timeout: {
    ...duration({
      defaultText: 'never',
      least: 1,
      most: INT32_MAX,
      description: 'end when nothing comes for so long',
    }),
    value: 'time',
  },
  group: {
    ...text({
      defaultText: 'none',
      description: 'begin where this group was, and commit how far it came; a group without members',
    }),
    value: 'id',
  },
  format: {
    ...option<readonly FormatPart[]>(
      String.raw`'%k: %v\n'`,
      {
        defaultText: 'the value, a line each',
        description:
          '%t topic, %p partition, %o offset, %T timestamp, %h headers, %k key, %v or %s value, %K and %S their bytes',
      },
      (value, place) => {
        try {
          return parseFormat(String(value))
        } catch (error) {
          throw place.refuse(value, `${messageOf(error)}. Letters are those of kcat: %t %p %o %T %h %k %v %s %K %S %%.`)
        }
      },
    ),
    value: 'format',
  },
  json: { ...json, description: 'as JSON, one record a line', conflicts: 'format' },
  printKey: flag({ default: false, description: 'with the key before the value' }),
  printHeaders: flag({ default: false, description: 'with the headers before it' }),
  printTimestamp: flag({ default: false, description: 'with the timestamp before it' }),
  printPartition: flag({ default: false, description: 'with the partition before it' }),
  printOffset: flag({ default: false, description: 'with the offset before it' }),
  withoutValue: flag({ default: false, description: 'without the value' }),
  keySeparator: {
    ...anyText({ default: '\t', defaultText: 'a tab', description: 'text between these' }),
    value: 'text',
  },
  null: { ...anyText({ default: 'null', description: 'what is printed for null' }), value: 'text' },
  key: {
    ...oneOf<ShownForm>(SHOWN_FORMS, { default: 'auto', description: 'form of the keys: `auto` is text, else hex' }),
    value: 'form',
  },
  value: {
    ...oneOf<ShownForm>(SHOWN_FORMS, {
      default: 'auto',
      description: 'form of the values; `text` prints bytes as they are',
    }),
    value: 'form',
  },
  logFormat,
} satisfies TableOf<ConsumeOptions, CommandOption>

function readStart(value: unknown, place: Place): Start {
  const text = String(value)
  if (text === 'beginning' || text === 'earliest') return 'earliest'
  if (text === 'end' || text === 'latest') return 'latest'
  if (/^\d{1,16}$/.test(text)) return { offset: Number(text) }
  if (/^-\d{1,16}$/.test(text) && Number(text) < 0) return { last: -Number(text) }
  const timestamp = text.startsWith('@') ? parseTime(text.slice(1)) : undefined
  if (timestamp !== undefined) return { timestamp }
  throw place.refuse(
    value,
    text.startsWith('@')
      ? 'Give @ and ms since the epoch, or a time with its zone as in @2030-01-31T12:00:00Z.'
      : 'Give beginning, end, an offset, the number of last records as in -10, or a time as in @2030-01-31T12:00:00Z.',
  )
}
