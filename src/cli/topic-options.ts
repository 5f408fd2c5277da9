import { duration, flag, option, text, wholeNumber, type TableOf } from '../options/options.ts'
import { data, json, kafka, KAFKA_LOGIN, logFormat, type CommandOption } from './command-options.ts'
import type {
  DeleteGroupsOptions,
  DescribeGroupOptions,
  ListGroupsOptions,
  ResetOffsetsOptions,
  TopicChoice,
} from './groups-command.ts'
import { timeOption } from './time-option.ts'
import type {
  AlterTopicOptions,
  CreateTopicOptions,
  DeleteTopicsOptions,
  DescribeTopicsOptions,
  ListTopicsOptions,
} from './topics-command.ts'

const place = { kafka, ...KAFKA_LOGIN, data, logFormat }

const lines = { ...json, description: 'as JSON, one a line' }

const yes = flag({ default: false, description: 'do not ask' })

const config: CommandOption = {
  ...option<readonly [string, string]>(
    'NAME=VALUE',
    { description: 'config of the topic; may be given several times' },
    (value, where) => {
      const [, name, content = ''] = /^([^=\s]+)=(.*)$/s.exec(String(value)) ?? []
      if (name !== undefined) return [name, content]
      throw where.refuse(value, 'Give NAME=VALUE, as in retention.ms=604800000.')
    },
  ),
  value: 'config',
  isList: true,
}

/** The options of `millrace topics create`. */
export const CREATE_TOPIC = {
  ...place,
  partitions: { ...wholeNumber({ least: 1, default: 1, description: 'number of partitions' }), value: 'n' },
  replicationFactor: {
    ...wholeNumber({ least: 1, most: 32_767, defaultText: "the brokers'", description: 'copies of each partition' }),
    value: 'n',
  },
  config,
  ifNotExists: flag({ default: false, description: 'leave a topic alone that exists' }),
} satisfies TableOf<CreateTopicOptions, CommandOption>

/** The options of `millrace topics list`. */
export const LIST_TOPICS = {
  ...place,
  internal: flag({ default: false, description: "with the log's own topics, whose names begin with `__`" }),
  json: lines,
} satisfies TableOf<ListTopicsOptions, CommandOption>

/** The options of `millrace topics describe`. */
export const DESCRIBE_TOPICS = { ...place, json: lines } satisfies TableOf<DescribeTopicsOptions, CommandOption>

/** The options of `millrace topics alter`. */
export const ALTER_TOPIC = {
  ...place,
  partitions: {
    ...wholeNumber({ least: 1, defaultText: 'as before', description: 'number of partitions; more than before' }),
    value: 'n',
  },
  config,
  deleteConfig: {
    ...text({ description: 'config to put back to its default; may be given several times' }),
    value: 'name',
    isList: true,
  },
} satisfies TableOf<AlterTopicOptions, CommandOption>

/** The options of `millrace topics delete`. */
export const DELETE_TOPICS = {
  ...place,
  yes,
  ifExists: flag({ default: false, description: 'leave out topics that do not exist' }),
} satisfies TableOf<DeleteTopicsOptions, CommandOption>

/** The options of `millrace groups list`. */
export const LIST_GROUPS = { ...place, json: lines } satisfies TableOf<ListGroupsOptions, CommandOption>

/** The options of `millrace groups describe`. */
export const DESCRIBE_GROUP = {
  ...place,
  offsets: flag({ default: false, description: 'the committed offsets; the default' }),
  members: flag({ default: false, description: 'the members' }),
  state: flag({ default: false, description: 'the state' }),
  json: { ...json, description: 'all of it, as a line of JSON' },
} satisfies TableOf<DescribeGroupOptions, CommandOption>

/** The options of `millrace groups delete`. */
export const DELETE_GROUPS = { ...place, yes } satisfies TableOf<DeleteGroupsOptions, CommandOption>

/** The options of `millrace groups reset-offsets`. */
export const RESET_OFFSETS = {
  ...place,
  topic: {
    ...option<TopicChoice>(
      'TOPIC, TOPIC:0,1',
      { description: 'topic, or some of its partitions; may be given several times' },
      (value, where) => {
        const [, topic, numbers] = /^([\w.-]+)(?::(\d{1,9}(?:,\d{1,9})*))?$/.exec(String(value)) ?? []
        if (topic !== undefined) return { topic, partitions: numbers?.split(',').map(Number) }
        throw where.refuse(value, 'Give TOPIC, or TOPIC:0,1 for some of its partitions.')
      },
    ),
    value: 'topic',
    isList: true,
  },
  allTopics: flag({ default: false, description: 'all topics that the group has offsets of' }),
  toEarliest: flag({ default: false, description: 'go on at the first records' }),
  toLatest: flag({ default: false, description: 'go on at the end' }),
  toCurrent: flag({ default: false, description: 'go on where the group is' }),
  toOffset: {
    ...wholeNumber({ most: Number.MAX_SAFE_INTEGER, description: 'go on at this offset' }),
    value: 'offset',
  },
  shiftBy: {
    ...option<number>(
      'whole number',
      { description: 'go on so many records later; earlier, if negative' },
      (value, where) => {
        const shift = Number(value)
        if (/^[+-]?\d+$/.test(String(value)) && Number.isSafeInteger(shift)) return shift
        throw where.refuse(value, 'Give a whole number, as in -100.')
      },
    ),
    value: 'n',
  },
  toDatetime: timeOption({ description: 'go on at the first records from this time on' }),
  byDuration: { ...duration({ description: 'go on at the first records since so long ago' }), value: 'time' },
  execute: flag({ default: false, description: 'do it; without it, it is shown only' }),
  dryRun: flag({ default: false, description: 'show it only' }),
  json: lines,
} satisfies TableOf<ResetOffsetsOptions, CommandOption>
