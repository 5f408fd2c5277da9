import { groupOffsets } from '../admin/group-offsets.ts'
import { resetGroupOffsets, type ResetTarget } from '../admin/reset-group-offsets.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import { groupActive } from '../group/group.ts'
import type { GroupDescription } from '../log/admin.ts'
import type { Log } from '../log/log.ts'
import { nearestOf } from '../options/options.ts'
import type { LogFormat } from '../application/log-line.ts'
import { confirm } from './confirm.ts'
import type { KafkaAccess } from './kafka-access.ts'
import { partitionsIn } from '../log/known-topics.ts'
import { knownTopic } from './known-topic.ts'
import { note } from './note.ts'
import { withLog } from './open-log.ts'
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

/** Brokers know groups without their topics. */
const NO_TOPICS: readonly string[] = []

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
  await withLog(options, NO_TOPICS, async (log) => {
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
  await withLog(options, NO_TOPICS, async (log) => {
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
  await withLog(options, NO_TOPICS, async (log) => {
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
 * @throws MR_GROUP_ACTIVE while it has members; MR_TOPIC_UNKNOWN, MR_PARTITION_UNKNOWN, MR_NO_OFFSET; MR_CLI_USAGE
 * unless there is one place to go to, and topics
 */
export async function resetOffsets(group: string, options: ResetOffsetsOptions): Promise<void> {
  const to = targetOf(options)
  const { topic: choices = [], allTopics, execute, dryRun } = options
  if (choices.length > 0 === (allTopics === true)) {
    throw new MillraceError('MR_CLI_USAGE', 'topics must be named, or all be meant', {
      hint: 'Give --topic TOPIC or --topic TOPIC:0,1, or --all-topics for those that the group has offsets of.',
    })
  }
  const isDone = execute === true && dryRun !== true
  await withLog(options, NO_TOPICS, async (log) => {
    const topics = allTopics === true ? {} : { topics: await partitionsOf(log, choices) }
    const changes = await resetGroupOffsets(log, group, { to, dryRun: !isDone, ...topics })
    if (!isDone) note('nothing was changed: add --execute to change it', options.logFormat)
    const rows = changes.map(({ topic, partition, after }) => ({ group, topic, partition, offset: after }))
    const text =
      options.json === true
        ? rows.map((row) => JSON.stringify(row)).join('\n')
        : columns(
            ['GROUP', 'TOPIC', 'PARTITION', 'NEW-OFFSET'],
            rows.map(({ topic, partition, offset }) => [group, topic, String(partition), String(offset)]),
          )
    await printed(`${text}\n`)
  })
}

function targetOf(options: ResetOffsetsOptions): ResetTarget {
  const { toEarliest, toLatest, toCurrent, toOffset, shiftBy, toDatetime, byDuration } = options
  const targets: ResetTarget[] = []
  if (toEarliest === true) targets.push('earliest')
  if (toLatest === true) targets.push('latest')
  if (toCurrent === true) targets.push({ shiftBy: 0 })
  if (toOffset !== undefined) targets.push({ offset: toOffset })
  if (shiftBy !== undefined) targets.push({ shiftBy })
  if (toDatetime !== undefined) targets.push({ timestamp: toDatetime })
  if (byDuration !== undefined) targets.push({ timestamp: Date.now() - byDuration })
  if (targets.length === 1) return targets[0]!
  throw new MillraceError('MR_CLI_USAGE', `${targets.length === 0 ? 'no place was' : 'several places were'} given`, {
    hint: 'Give --to-earliest, --to-latest, --to-current, --to-offset, --shift-by, --to-datetime or --by-duration.',
  })
}

async function partitionsOf(log: Log, choices: readonly TopicChoice[]): Promise<Record<string, readonly number[]>> {
  const chosen: Record<string, readonly number[]> = {}
  for (const { topic, partitions } of choices) {
    const asked = partitionsIn(await knownTopic(log, topic), partitions)
    chosen[topic] = asked.map(({ partition }) => partition)
  }
  return chosen
}

interface ShownOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly endOffset: number
  readonly lag: number
}

/** Returns the committed offsets in the partitions that exist. */
async function offsetsOf(log: Log, group: string): Promise<ShownOffset[]> {
  const all = await groupOffsets(log, group)
  return all.flatMap(({ topic, partition, offset, end, lag = 0 }) => {
    return end === undefined ? [] : [{ topic, partition, offset, endOffset: end, lag }]
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
