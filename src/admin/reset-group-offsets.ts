import { MillraceError } from '../errors/millrace-error.ts'
import { groupActive } from '../group/group.ts'
import { comparePartitions } from '../log/group-partitions.ts'
import { knownTopic, partitionsIn } from '../log/known-topics.ts'
import { PartitionMap, type CommittedOffset, type Log, type TopicPartition } from '../log/log.ts'
import { flag, option, readMembers, readOptions, type TableOf } from '../options/options.ts'
import { timestampOption } from '../options/timestamp-option.ts'

/**
 * Where the offsets of a group are set to: the first or the next offsets, the first records at or after a time (ms
 * since the epoch), an offset, or so many records further (back, if negative) than they are.
 */
export type ResetTarget =
  | 'earliest'
  | 'latest'
  | { readonly timestamp: number }
  | { readonly offset: number }
  | { readonly shiftBy: number }

/** Options of `resetGroupOffsets`. */
export interface ResetGroupOffsetsOptions {
  readonly to: ResetTarget
  /** Topics, or partitions of them by their numbers. Default: all in which the group has committed offsets. */
  readonly topics?: readonly string[] | Readonly<Record<string, readonly number[]>>
  /** True: changes nothing, and returns what would be changed. Default: false */
  readonly dryRun?: boolean
}

/** The change of one committed offset. */
export interface OffsetChange {
  readonly topic: string
  readonly partition: number
  /** `undefined`: the group had none. */
  readonly before: number | undefined
  readonly after: number
}

const RESET_GROUP_OFFSETS = {
  to: option<ResetTarget>(
    "`'earliest'`, `'latest'`, `{ timestamp }`, `{ offset }`, `{ shiftBy }`",
    { required: true, description: 'where the offsets are set to' },
    (given, place) => {
      if (given === 'earliest' || given === 'latest') return given
      if (typeof given === 'object' && given !== null) {
        if ('timestamp' in given) return readMembers({ timestamp: timestampOption }, given, place)
        if ('offset' in given) return readMembers({ offset: whole(0) }, given, place)
        if ('shiftBy' in given) return readMembers({ shiftBy: whole(-Number.MAX_SAFE_INTEGER) }, given, place)
      }
      throw place.refuse(given, "Give 'earliest', 'latest', { timestamp }, { offset } or { shiftBy }.")
    },
  ),
  topics: option<readonly string[] | Readonly<Record<string, readonly number[]>>>(
    'names, or `{ topic: partitions }`',
    { defaultText: 'all in which it has offsets', description: 'which offsets' },
    (given, place) => {
      const numbers = Array.isArray(given) ? [] : Object.values((given as object | null) ?? {})
      const isRight = Array.isArray(given)
        ? given.every((name) => typeof name === 'string')
        : typeof given === 'object' && given !== null && numbers.every((list) => Array.isArray(list))
      if (!isRight) throw place.refuse(given, "Give ['payments'], or { payments: [0, 1] }.")
      return given as readonly string[] | Readonly<Record<string, readonly number[]>>
    },
  ),
  dryRun: flag({ default: false, description: '`true`: says what would be changed, and changes nothing' }),
} satisfies TableOf<ResetGroupOffsetsOptions>

function whole(least: number) {
  return option<number>(
    'whole number',
    { required: true, description: 'an offset, or a number of them' },
    (given, at) => {
      if (Number.isSafeInteger(given) && Number(given) >= least) return Number(given)
      throw at.refuse(given, least < 0 ? 'Give a whole number.' : 'Give a whole number, not negative.')
    },
  )
}

/**
 * Sets the committed offsets of a group without members, as `kafka-consumer-groups --reset-offsets` does. Offsets
 * before the first or after the end of a partition become the first, or the end.
 *
 * An application that has state needs `resetApplication`: its stores would count the records again.
 *
 * @returns the changes, sorted, with those that leave an offset as it was
 * @throws MR_GROUP_ACTIVE while the group has members, even with `dryRun`; MR_GROUP_UNKNOWN without `topics` if the
 *   group has no offsets; MR_NO_OFFSET to shift where there is none; MR_TOPIC_UNKNOWN, MR_PARTITION_UNKNOWN; MR_CONFIG
 * @example
 * ```ts
 * const to = { timestamp: Date.parse('2026-11-01T00:00Z') }
 * const changes = await resetGroupOffsets(log, 'billing', { to, dryRun: true })
 * for (const { topic, partition, before, after } of changes) console.log(topic, partition, before, after)
 * ```
 */
export async function resetGroupOffsets(
  log: Log,
  groupId: string,
  options: ResetGroupOffsetsOptions,
): Promise<readonly OffsetChange[]> {
  const { to, topics, dryRun } = readOptions(RESET_GROUP_OFFSETS, options, 'resetGroupOffsets()')
  const members = await log.groupMembers(groupId)
  if (members.length > 0) throw groupActive(groupId, members)
  const committed = await log.committedOffsets(groupId)
  const partitions = topics === undefined ? ofGroup(groupId, committed) : await ofTopics(log, topics)
  const wanted = await targets(log, groupId, partitions, committed, to)
  const changes = partitions
    .map(({ topic, partition }) => ({
      topic,
      partition,
      before: committed.get(topic, partition)?.offset,
      after: wanted.get(topic, partition) ?? 0,
    }))
    .sort(comparePartitions)
  if (dryRun || changes.length === 0) return changes
  const offsets = new PartitionMap<CommittedOffset>()
  for (const { topic, partition, after } of changes) offsets.set(topic, partition, { offset: after, metadata: '' })
  await log.commitOffsets(groupId, offsets)
  return changes
}

function ofGroup(groupId: string, committed: PartitionMap<CommittedOffset>): TopicPartition[] {
  if (committed.size > 0) return Array.from(committed.entries(), ([topic, partition]) => ({ topic, partition }))
  throw new MillraceError('MR_GROUP_UNKNOWN', `no group "${groupId}" has committed offsets`, {
    hint: 'Correct the name of the group, or name the topics.',
  })
}

async function ofTopics(
  log: Log,
  topics: readonly string[] | Readonly<Record<string, readonly number[]>>,
): Promise<TopicPartition[]> {
  const asked = Array.isArray(topics) ? topics.map((name) => [name, undefined] as const) : Object.entries(topics)
  const partitions: TopicPartition[] = []
  for (const [name, numbers] of asked) partitions.push(...partitionsIn(await knownTopic(log, name), numbers))
  return partitions
}

async function targets(
  log: Log,
  groupId: string,
  partitions: readonly TopicPartition[],
  committed: PartitionMap<CommittedOffset>,
  to: ResetTarget,
): Promise<PartitionMap<number>> {
  if (typeof to === 'string' || 'timestamp' in to) return await log.listOffsets(partitions, to)
  const firsts = await log.listOffsets(partitions, 'earliest')
  const ends = await log.listOffsets(partitions, 'latest')
  const offsets = new PartitionMap<number>()
  for (const { topic, partition } of partitions) {
    const before = committed.get(topic, partition)?.offset
    if ('shiftBy' in to && before === undefined) throw nothingToShift(groupId, topic, partition)
    const wanted = 'offset' in to ? to.offset : (before ?? 0) + to.shiftBy
    const first = firsts.get(topic, partition) ?? 0
    offsets.set(topic, partition, Math.min(Math.max(wanted, first), ends.get(topic, partition) ?? first))
  }
  return offsets
}

function nothingToShift(groupId: string, topic: string, partition: number): MillraceError {
  return new MillraceError('MR_NO_OFFSET', `group "${groupId}" has no committed offset to shift`, {
    topic,
    partition,
    hint: 'Leave the partition out, or set its offset.',
  })
}
