import { MillraceError } from '../errors/millrace-error.ts'
import { groupActive } from '../group/group.ts'
import type { GroupDescription } from '../log/admin.ts'
import { PartitionMap, type CommittedOffset, type Log, type TopicPartition } from '../log/log.ts'
import { nearestOf } from '../options/options.ts'
import type { LogFormat } from './cli-error.ts'
import { confirm } from './confirm.ts'
import type { KafkaAccess } from './kafka-access.ts'
import { knownTopic, requirePartition } from './known-topic.ts'
import { note } from './note.ts'
import { openLog } from './open-log.ts'
import { printed } from './print-all.ts'
import { columns, printable } from './text.ts'

interface GroupsOptions extends KafkaAccess {
  readonly data: string
  readonly logFormat: LogFormat
}

export interface ListGroupsOptions extends GroupsOptions {
  readonly json?: boolean
}

export interface DescribeGroupOptions extends GroupsOptions {
  readonly members?: boolean
  readonly offsets?: boolean
  readonly state?: boolean
  readonly json?: boolean
}

export interface DeleteGroupsOptions extends GroupsOptions {
  readonly yes?: boolean
}

/** A topic, or some of its partitions. */
export interface TopicChoice {
  readonly topic: string
  readonly partitions: readonly number[] | undefined
}

export interface ResetOffsetsOptions extends GroupsOptions {
  readonly topic?: readonly TopicChoice[]
  readonly allTopics?: boolean
  readonly toEarliest?: boolean
  readonly toLatest?: boolean
  readonly toCurrent?: boolean
  readonly toOffset?: number
  readonly shiftBy?: number
  /** ms since the epoch. */
  readonly toDatetime?: number
  /** ms before now. */
  readonly byDuration?: number
  readonly execute?: boolean
  readonly dryRun?: boolean
  readonly json?: boolean
}

/** Runs `millrace groups list`: a group a line. */
export async function listGroups(options: ListGroupsOptions): Promise<void> {
  await withLog(options, async (log) => {
    const groups = await log.listGroups()
    const lines = groups.map((group) => (options.json === true ? JSON.stringify(group) : printable(group.id)))
    await printed(lines.map((line) => `${line}\n`).join(''))
  })
}

/**
 * Runs `millrace groups describe`: how far a group is, partition by partition, who its members are, or its state.
 *
 * @throws MR_GROUP_UNKNOWN
 */
export async function describeGroup(group: string, options: DescribeGroupOptions): Promise<void> {
  await withLog(options, async (log) => {
    const description = await knownGroup(log, group)
    const offsets = await offsetsOf(log, group)
    if (options.json === true) return void (await printed(`${JSON.stringify({ ...description, offsets })}\n`))
    const parts: string[] = []
    if (options.state === true) parts.push(stateText(description))
    if (options.members === true) parts.push(membersText(description))
    if (options.offsets === true || parts.length === 0) parts.push(offsetsText(group, offsets, description))
    await printed(`${parts.join('\n\n')}\n`)
    if (description.members.length === 0) note(`the group ${group} has no active members`, options.logFormat)
  })
}

/**
 * Runs `millrace groups delete`: deletes groups with their committed offsets, once that is confirmed.
 *
 * @throws MR_GROUP_UNKNOWN; MR_GROUP_ACTIVE while it has members; MR_CLI_USAGE without a terminal to ask on
 */
export async function deleteGroups(groups: readonly string[], options: DeleteGroupsOptions): Promise<void> {
  await withLog(options, async (log) => {
    for (const group of groups) {
      const { members } = await knownGroup(log, group)
      if (members.length > 0)
        throw groupActive(
          group,
          members.map(({ memberId }) => memberId),
        )
    }
    if (options.yes !== true) {
      note(`the offsets of ${groups.join(', ')} will be gone`, options.logFormat)
      await confirm(groups.join(' '), 'deleted', 'Add --yes to delete without being asked.')
    }
    for (const group of groups) {
      await log.deleteGroup(group)
      note(`deleted group ${group}`, options.logFormat)
    }
  })
}

/**
 * Runs `millrace groups reset-offsets`: shows where a group would go on, and with `--execute` makes it go on there.
 *
 * @throws MR_GROUP_ACTIVE while it has members; MR_TOPIC_UNKNOWN, MR_PARTITION_UNKNOWN; MR_CLI_USAGE unless there is
 * one place to go to, and topics
 */
export async function resetOffsets(group: string, options: ResetOffsetsOptions): Promise<void> {
  const place = placeOf(options)
  await withLog(options, async (log) => {
    const members = await log.groupMembers(group)
    if (members.length > 0) throw groupActive(group, members)
    const partitions = await partitionsOf(log, group, options)
    const offsets = await newOffsets(log, group, partitions, place)
    const rows = Array.from(offsets.entries(), ([topic, partition, { offset }]) => ({ topic, partition, offset }))
    const text =
      options.json === true
        ? rows.map((row) => JSON.stringify({ group, ...row })).join('\n')
        : columns(
            ['GROUP', 'TOPIC', 'PARTITION', 'NEW-OFFSET'],
            rows.map(({ topic, partition, offset }) => [group, topic, String(partition), String(offset)]),
          )
    if (options.execute === true && options.dryRun !== true) await log.commitOffsets(group, offsets)
    else note('nothing was changed: add --execute to change it', options.logFormat)
    await printed(`${text}\n`)
  })
}

type Place =
  | { readonly at: 'earliest' | 'latest' | 'current' }
  | { readonly timestamp: number }
  | { readonly offset: number }
  | { readonly shift: number }

function placeOf(options: ResetOffsetsOptions): Place {
  const { toEarliest, toLatest, toCurrent, toOffset, shiftBy, toDatetime, byDuration } = options
  const places: Place[] = []
  if (toEarliest === true) places.push({ at: 'earliest' })
  if (toLatest === true) places.push({ at: 'latest' })
  if (toCurrent === true) places.push({ at: 'current' })
  if (toOffset !== undefined) places.push({ offset: toOffset })
  if (shiftBy !== undefined) places.push({ shift: shiftBy })
  if (toDatetime !== undefined) places.push({ timestamp: toDatetime })
  if (byDuration !== undefined) places.push({ timestamp: Date.now() - byDuration })
  if (places.length === 1) return places[0]!
  throw new MillraceError('MR_CLI_USAGE', `${places.length === 0 ? 'no place was' : 'several places were'} given`, {
    hint: 'Give --to-earliest, --to-latest, --to-current, --to-offset, --shift-by, --to-datetime or --by-duration.',
  })
}

async function partitionsOf(
  log: Log,
  group: string,
  { topic: choices = [], allTopics }: ResetOffsetsOptions,
): Promise<TopicPartition[]> {
  if (choices.length > 0 === (allTopics === true)) {
    throw new MillraceError('MR_CLI_USAGE', 'topics must be named, or all be meant', {
      hint: 'Give --topic TOPIC or --topic TOPIC:0,1, or --all-topics for those that the group has offsets of.',
    })
  }
  if (allTopics === true)
    return Array.from((await log.committedOffsets(group)).entries(), ([topic, partition]) => ({ topic, partition }))
  const partitions: TopicPartition[] = []
  for (const { topic, partitions: asked } of choices) {
    const description = await knownTopic(log, topic)
    for (const partition of asked ?? Array.from({ length: description.partitions }, (_, number) => number)) {
      requirePartition(description, partition)
      partitions.push({ topic, partition })
    }
  }
  return partitions
}

/** Returns the offsets to go on at, within what the partitions hold, as Kafka's tool does. */
async function newOffsets(
  log: Log,
  group: string,
  partitions: readonly TopicPartition[],
  place: Place,
): Promise<PartitionMap<CommittedOffset>> {
  const [first, end] = [await log.listOffsets(partitions, 'earliest'), await log.listOffsets(partitions, 'latest')]
  const current = await log.committedOffsets(group, partitions)
  const times = 'timestamp' in place ? await log.listOffsets(partitions, place) : undefined
  const offsets = new PartitionMap<CommittedOffset>()
  for (const { topic, partition } of partitions) {
    const [least = 0, most = 0] = [first.get(topic, partition), end.get(topic, partition)]
    const before = current.get(topic, partition)?.offset
    let offset: number
    if ('offset' in place) ({ offset } = place)
    else if ('shift' in place) {
      if (before === undefined) throw noOffset(group, topic, partition)
      offset = before + place.shift
    } else if ('timestamp' in place) offset = times?.get(topic, partition) ?? most
    else if (place.at === 'earliest') offset = least
    else offset = place.at === 'latest' ? most : (before ?? most)
    offsets.set(topic, partition, { offset: Math.min(Math.max(offset, least), most), metadata: '' })
  }
  return offsets
}

function noOffset(group: string, topic: string, partition: number): MillraceError {
  return new MillraceError('MR_CLI_USAGE', `--shift-by needs an offset, and the group ${group} has none`, {
    topic,
    partition,
    hint: 'Give --to-earliest, --to-latest or --to-offset.',
  })
}

interface ShownOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly endOffset: number
  readonly lag: number
}

async function offsetsOf(log: Log, group: string): Promise<ShownOffset[]> {
  const committed = [...(await log.committedOffsets(group)).entries()]
  const existing = await log.describeTopics([...new Set(committed.map(([topic]) => topic))])
  const there = committed.filter(([topic, partition]) => partition < (existing.get(topic)?.partitions ?? 0))
  const ends = await log.listOffsets(
    there.map(([topic, partition]) => ({ topic, partition })),
    'latest',
  )
  return there.map(([topic, partition, { offset }]) => {
    const endOffset = ends.get(topic, partition) ?? offset
    return { topic, partition, offset, endOffset, lag: Math.max(0, endOffset - offset) }
  })
}

async function knownGroup(log: Log, group: string): Promise<GroupDescription> {
  const description = await log.describeGroup(group)
  if (description !== undefined) return description
  const near = nearestOf(
    group,
    (await log.listGroups()).map(({ id }) => id),
  )
  throw new MillraceError('MR_GROUP_UNKNOWN', `there is no group ${group}`, {
    hint: `${near === undefined ? '' : `Did you mean ${near}? `}Run millrace groups list.`,
  })
}

function stateText({ id, type, protocol, state, members }: GroupDescription): string {
  return columns(
    ['GROUP', 'TYPE', 'PROTOCOL', 'STATE', 'MEMBERS'],
    [[id, type, protocol, state, String(members.length)]],
  )
}

function membersText({ id, members }: GroupDescription): string {
  return columns(
    ['GROUP', 'CONSUMER-ID', 'HOST', 'CLIENT-ID', 'PARTITIONS'],
    members.map(({ memberId, host, clientId, partitions }) => [
      id,
      memberId,
      host,
      clientId,
      String(partitions.length),
    ]),
  )
}

function offsetsText(group: string, offsets: readonly ShownOffset[], { members }: GroupDescription): string {
  const owner = (topic: string, partition: number): string =>
    members.find((member) => member.partitions.some((each) => each.topic === topic && each.partition === partition))
      ?.memberId ?? '-'
  return columns(
    ['GROUP', 'TOPIC', 'PARTITION', 'CURRENT-OFFSET', 'LOG-END-OFFSET', 'LAG', 'CONSUMER-ID'],
    offsets.map(({ topic, partition, offset, endOffset, lag }) => {
      const numbers = [partition, offset, endOffset, lag].map(String)
      return [group, topic, ...numbers, owner(topic, partition)]
    }),
  )
}

async function withLog(options: GroupsOptions, act: (log: Log) => Promise<void>): Promise<void> {
  const log = await openLog(options, [])
  try {
    await act(log)
  } finally {
    await log.close()
  }
}
