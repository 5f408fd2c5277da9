import { MillraceError } from '../../errors/millrace-error.ts'
import { PartitionMap, type CommittedOffset, type Log, type OffsetSpec, type TopicPartition } from '../../log/log.ts'
import type { OffsetReset, Topology } from '../../topology/topology.ts'
import type { RepeatedLines } from '../../application/repeated-lines.ts'
import { wait, type Steps } from '../../platform/steps.ts'

/**
 * Where each partition goes on: at its committed offset. Without one, or if the topic does not hold it (any more, or
 * not yet, as when the topic was created again), where the topic's reset policy says (`earliest` by default).
 *
 * @throws MR_NO_OFFSET for a partition without a committed offset whose policy is `none`
 */
export function* startOffsets(
  log: Log,
  topology: Topology,
  partitions: readonly TopicPartition[],
  committed: PartitionMap<CommittedOffset>,
  now: number,
  lines: RepeatedLines,
): Steps<PartitionMap<number>> {
  const starts = new PartitionMap<number>()
  const earliest = yield* wait(log.listOffsets(partitions, 'earliest'))
  const latest = yield* wait(log.listOffsets(partitions, 'latest'))
  for (const { topic, partition } of partitions) {
    const known = committed.get(topic, partition)
    const [first, end] = [earliest.get(topic, partition) ?? 0, latest.get(topic, partition) ?? Infinity]
    if (known !== undefined && known.offset >= first && known.offset <= end) {
      starts.set(topic, partition, known.offset)
      continue
    }
    if (known !== undefined) {
      const { offset } = known
      const message = 'the topic does not hold the committed offset; its reset policy applies'
      lines.warn(message, 'topic', topic, `partition ${partition}`, { topic, partition, offset, first, end })
    }
    const at = offsetSpec(resetOf(topology, topic), topic, partition, now)
    const found = yield* wait(log.listOffsets([{ topic, partition }], at))
    starts.set(topic, partition, found.get(topic, partition) ?? 0)
  }
  return starts
}

/** Whether a topic is read by tasks that is not of the application's own making. */
export function readsTopic(topology: Topology, topic: string | undefined): boolean {
  if (topic === undefined) return false
  return topology.subtopologies.some(
    ({ global, nodes }) =>
      !global && nodes.some((node) => node.kind === 'source' && !node.internal && node.topics.includes(topic)),
  )
}

function resetOf(topology: Topology, topic: string): OffsetReset {
  for (const { nodes } of topology.subtopologies) {
    for (const node of nodes) {
      if (node.kind === 'source' && !node.internal && node.topics.includes(topic)) return node.offsetReset ?? 'earliest'
    }
  }
  return 'earliest'
}

function offsetSpec(reset: OffsetReset, topic: string, partition: number, now: number): OffsetSpec {
  if (reset === 'earliest' || reset === 'latest') return reset
  if (reset !== 'none') return { timestamp: now - reset.byDuration }
  throw new MillraceError('MR_NO_OFFSET', 'there is no committed offset that the topic still holds', {
    topic,
    partition,
    hint: "The topic's offsetReset is 'none': commit an offset for the group, or choose 'earliest' or 'latest'.",
  })
}
