import { topicDetails } from '../admin/topic-details.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import type { Log, TopicDescription } from '../log/log.ts'
import type { LogFormat } from '../application/log-line.ts'
import { confirm } from './confirm.ts'
import type { KafkaAccess } from './kafka-access.ts'
import { knownTopic, requirePossibleName } from './known-topic.ts'
import { countOf, note } from './note.ts'
import { withLog } from './open-log.ts'
import { printed } from './print-all.ts'
import { printable } from './text.ts'

interface TopicsOptions extends KafkaAccess {
  readonly data: string
  readonly logFormat: LogFormat
}

/** A broker would refuse an impossible name instead of saying that there is no such topic. */
const NO_TOPICS: readonly string[] = []

type Config = readonly [name: string, value: string]

export interface CreateTopicOptions extends TopicsOptions {
  readonly partitions: number
  readonly replicationFactor?: number
  readonly config?: readonly Config[]
  readonly ifNotExists?: boolean
}

export interface ListTopicsOptions extends TopicsOptions {
  readonly internal?: boolean
  readonly json?: boolean
}

export interface DescribeTopicsOptions extends TopicsOptions {
  readonly json?: boolean
}

export interface AlterTopicOptions extends TopicsOptions {
  readonly partitions?: number
  readonly config?: readonly Config[]
  readonly deleteConfig?: readonly string[]
}

export interface DeleteTopicsOptions extends TopicsOptions {
  readonly yes?: boolean
  readonly ifExists?: boolean
}

/** A topic as `describe` shows it. */
type ShownTopic = Awaited<ReturnType<typeof shownTopic>>

/** Runs `millrace topics create`. @throws MR_TOPIC_EXISTS, MR_TOPIC_INVALID, MR_TOPIC_CREATE */
export async function createTopic(name: string, options: CreateTopicOptions): Promise<void> {
  const { partitions, replicationFactor, config = [], ifNotExists } = options
  requirePossibleName(name)
  await withLog(options, NO_TOPICS, async (log) => {
    if ((await log.listTopics()).includes(name)) {
      if (ifNotExists === true) return note(`the topic ${name} exists already`, options.logFormat)
      throw new MillraceError('MR_TOPIC_EXISTS', 'the topic exists already', {
        topic: name,
        hint: 'Choose another name, or add --if-not-exists. Run millrace topics alter to change it.',
      })
    }
    const copies = replicationFactor === undefined ? {} : { replicationFactor }
    await log.createTopics([{ name, partitions, ...copies, configs: Object.fromEntries(config) }])
    note(`created topic ${name} with ${countOf(partitions, 'partition')}`, options.logFormat)
  })
}

/** Runs `millrace topics list`: a name a line. */
export async function listTopics(options: ListTopicsOptions): Promise<void> {
  await withLog(options, NO_TOPICS, async (log) => {
    const names = (await log.listTopics()).filter((name) => options.internal === true || !name.startsWith('__'))
    const line = options.json === true ? (name: string) => JSON.stringify({ name }) : printable
    await printed(names.map((name) => `${line(name)}\n`).join(''))
  })
}

/** Runs `millrace topics describe`: what a topic is, and where its partitions are, as kafka-topics.sh shows it. */
export async function describeTopics(names: readonly string[], options: DescribeTopicsOptions): Promise<void> {
  await withLog(options, NO_TOPICS, async (log) => {
    const asked = names.length > 0 ? names : (await log.listTopics()).filter((name) => !name.startsWith('__'))
    for (const name of asked) {
      const topic = await shownTopic(log, await knownTopic(log, name))
      await printed(options.json === true ? `${JSON.stringify(topic)}\n` : textOf(topic))
    }
  })
}

/**
 * Runs `millrace topics alter`.
 *
 * @throws MR_TOPIC_UNKNOWN; MR_TOPIC_INVALID for fewer partitions, and for configs that the log refuses; MR_CLI_USAGE
 */
export async function alterTopic(name: string, options: AlterTopicOptions): Promise<void> {
  const { partitions, config = [], deleteConfig = [] } = options
  const changes = Object.fromEntries<string | null>([...config, ...deleteConfig.map((each) => [each, null] as const)])
  const changed = Object.keys(changes)
  if (partitions === undefined && changed.length === 0) {
    throw new MillraceError('MR_CLI_USAGE', 'nothing is to be altered', {
      hint: 'Give --partitions, --config or --delete-config.',
    })
  }
  await withLog(options, NO_TOPICS, async (log) => {
    const topic = await knownTopic(log, name)
    if (partitions !== undefined && partitions < topic.partitions) throw fewerPartitions(topic, partitions)
    if (partitions !== undefined && partitions > topic.partitions) await log.createPartitions(name, partitions)
    if (changed.length > 0) await log.alterTopicConfigs(name, changes)
    const parts = [
      ...(partitions === undefined ? [] : [countOf(partitions, 'partition')]),
      ...changed.map((each) => (changes[each] === null ? `${each} by default` : `${each}=${changes[each]}`)),
    ]
    note(`altered topic ${name}: ${parts.join(', ')}`, options.logFormat)
  })
}

/**
 * Runs `millrace topics delete`: deletes topics with all their records, once that is confirmed.
 *
 * @throws MR_TOPIC_UNKNOWN, MR_CLI_USAGE without a terminal to ask on, MR_CLI_DECLINED
 */
export async function deleteTopics(names: readonly string[], options: DeleteTopicsOptions): Promise<void> {
  await withLog(options, NO_TOPICS, async (log) => {
    if (options.ifExists !== true) for (const name of names) await knownTopic(log, name)
    const found = await log.listTopics()
    const existing = names.filter((name) => found.includes(name))
    if (existing.length === 0) return note('there is nothing to delete', options.logFormat)
    if (options.yes !== true) {
      note(`all records of ${existing.join(', ')} will be gone`, options.logFormat)
      await confirm(existing.join(' '), 'deleted', 'Add --yes to delete without being asked.')
    }
    await log.deleteTopics(existing)
    note(`deleted ${existing.length === 1 ? 'topic' : 'topics'} ${existing.join(', ')}`, options.logFormat)
  })
}

function fewerPartitions({ name, partitions }: TopicDescription, wanted: number): MillraceError {
  return new MillraceError(
    'MR_TOPIC_INVALID',
    `the topic has ${countOf(partitions, 'partition')}, and cannot have ${wanted}`,
    { topic: name, hint: 'Partitions can only be added: records of those taken away would be lost.' },
  )
}

async function shownTopic(log: Log, topic: TopicDescription) {
  const { name, id, configs, partitions } = await topicDetails(log, topic)
  const own = [...configs].filter(([, { source }]) => source === 'topic')
  return {
    name,
    id: log.kind === 'kafka' ? kafkaId(id) : id,
    configs: Object.fromEntries(own.map(([config, { value }]) => [config, value])),
    partitions: partitions.map(({ partition, leader = null, ...rest }) => ({ partition, leader, ...rest })),
  }
}

/** Returns a UUID as Kafka's tools write it. */
function kafkaId(uuid: string): string {
  return Buffer.from(uuid.replaceAll('-', ''), 'hex').toString('base64url')
}

function textOf({ name, id, configs, partitions }: ShownTopic): string {
  const set = Object.entries(configs).map(([config, value]) => `${config}=${value ?? ''}`)
  const head = [
    `Topic: ${name}`,
    `TopicId: ${id}`,
    `PartitionCount: ${partitions.length}`,
    `ReplicationFactor: ${partitions[0]?.replicas.length ?? 0}`,
    `Configs: ${set.join(',')}`,
  ]
  const rows = partitions.map(({ partition, leader, replicas, inSyncReplicas, firstOffset, endOffset }) => [
    `\tTopic: ${name}`,
    `Partition: ${partition}`,
    `Leader: ${leader ?? 'none'}`,
    `Replicas: ${replicas.join(',')}`,
    `Isr: ${inSyncReplicas.join(',')}`,
    `Offsets: ${firstOffset}-${endOffset}`,
  ])
  return `${[head, ...rows].map((line) => printable(line.join('\t'))).join('\n')}\n`
}
