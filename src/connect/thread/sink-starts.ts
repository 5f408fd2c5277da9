import type { Logger } from '../../application/application.ts'
import type { ReadableTopic } from '../../dsl/options/topic.ts'
import { MillraceError } from '../../errors/millrace-error.ts'
import { PartitionMap, type Log, type OffsetSpec, type TopicPartition } from '../../log/log.ts'
import type { NextOffset, SinkSpec } from '../definition/sink.ts'

/** What is known of where partitions go on. */
export interface KnownOffsets {
  /** What the target says; undefined if it keeps no offsets. */
  readonly target: readonly NextOffset[] | undefined
  /** After what was written since the partitions were assigned. */
  readonly written: PartitionMap<number>
  /** What the group has committed. */
  readonly committed: PartitionMap<number>
}

/**
 * Returns where partitions go on: where the target says, or else after what was written, or where the group has
 * committed, or as the topic's `offsetReset` says.
 *
 * @throws MR_CONNECTOR_OFFSETS if the target has more of a partition than the topic; MR_NO_OFFSET
 */
export async function sinkStarts(
  spec: SinkSpec,
  log: Log,
  partitions: readonly TopicPartition[],
  { target, written, committed }: KnownOffsets,
  now: number,
  logger: Logger,
): Promise<PartitionMap<number>> {
  const wanted = new PartitionMap<number>()
  for (const { topic, partition, offset } of target ?? []) wanted.set(topic, partition, offset)
  const first = await log.listOffsets(partitions, 'earliest')
  const end = await log.listOffsets(partitions, 'latest')
  const starts = new PartitionMap<number>()
  for (const { topic, partition } of partitions) {
    const known =
      target === undefined
        ? (written.get(topic, partition) ?? committed.get(topic, partition))
        : wanted.get(topic, partition)
    const [least, most] = [first.get(topic, partition) ?? 0, end.get(topic, partition) ?? Infinity]
    if (known !== undefined && known >= least && known <= most) {
      starts.set(topic, partition, known)
      continue
    }
    if (target !== undefined && known !== undefined && known > most) throw ahead(spec, topic, partition, known, most)
    if (known !== undefined)
      logger.warn(
        { connector: spec.name, topic, partition, offset: known, first: least, end: most },
        'the topic does not hold the next offset; its reset policy applies',
      )
    const at = resetOf(spec, topic, partition, now)
    starts.set(topic, partition, (await log.listOffsets([{ topic, partition }], at)).get(topic, partition) ?? 0)
  }
  return starts
}

function resetOf(spec: SinkSpec, topic: string, partition: number, now: number): OffsetSpec {
  const reset =
    spec.topics.find(({ name }: ReadableTopic<unknown, unknown>) => name === topic)?.offsetReset ?? 'earliest'
  if (reset === 'none')
    throw new MillraceError(
      'MR_NO_OFFSET',
      `connector "${spec.name}" has no offset to go on at, and offsetReset is 'none'`,
      {
        topic,
        partition,
        hint: "Set one with millrace connectors set, or give the topic offsetReset: 'earliest' or 'latest'.",
      },
    )
  return typeof reset === 'string' ? reset : { timestamp: now - reset.byDuration }
}

function ahead({ name }: SinkSpec, topic: string, partition: number, offset: number, end: number): MillraceError {
  return new MillraceError(
    'MR_CONNECTOR_OFFSETS',
    `the target of connector "${name}" goes on at offset ${offset}, and the partition ends at ${end}`,
    { topic, partition, hint: 'The topic was created again, or is another one: begin with an empty target.' },
  )
}
