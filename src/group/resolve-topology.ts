import { MillraceError } from '../errors/millrace-error.ts'
import type { InternalTopic, SubtopologyDescription, TaskId } from './group.ts'
import { resolveRepartitionCounts } from './repartition-counts.ts'

/** An internal topic with its derived partition count. */
export interface ResolvedTopic {
  readonly topic: InternalTopic
  readonly partitions: number
  readonly exists: boolean
}

export interface ResolvedTopology {
  /** Sorted by name. Those that do not exist must be created. */
  readonly internalTopics: readonly ResolvedTopic[]
  /** Sorted by sub-topology, then partition. */
  readonly tasks: readonly TaskId[]
}

/**
 * Derives the partition counts of a topology's internal topics, and its tasks, from the topics that exist. Kafka's
 * coordinator does this for a streams group (KIP-1071), a Streams client for a classic one. Existing topics are
 * checked, too: co-partitioning is enforced whether or not there are repartition topics.
 *
 * @param partitionsOf returns the partitions of an existing topic, `undefined` if it does not exist
 * @throws MR_TOPIC_UNKNOWN (source topics missing), MR_NOT_COPARTITIONED, MR_INTERNAL_TOPIC (an internal topic exists
 *   with another partition count, or none can be derived)
 */
export function resolveTopology(
  subtopologies: readonly SubtopologyDescription[],
  partitionsOf: (topic: string) => number | undefined,
): ResolvedTopology {
  const counts = externalCounts(subtopologies, partitionsOf)
  resolveRepartitionCounts(subtopologies, counts)

  const internalTopics = new Map<string, ResolvedTopic>()
  const add = (topic: InternalTopic, partitions: number): void => {
    const has = partitionsOf(topic.name)
    if (has !== undefined && has !== partitions) throw wrongCount(topic.name, has, partitions)
    internalTopics.set(topic.name, { topic, partitions, exists: has !== undefined })
  }
  const tasks: TaskId[] = []
  for (const subtopology of subtopologies.toSorted((left, right) => left.id - right.id)) {
    let taskCount = 0
    for (const topic of subtopology.sourceTopics) taskCount = Math.max(taskCount, counts.get(topic) ?? 0)
    for (const topic of subtopology.repartitionSourceTopics) {
      const partitions = counts.get(topic.name) ?? 0
      taskCount = Math.max(taskCount, partitions)
      add(topic, partitions)
    }
    for (const topic of subtopology.changelogTopics) add(topic, topic.partitions === 0 ? taskCount : topic.partitions)
    for (let partition = 0; partition < taskCount; partition++) tasks.push({ subtopology: subtopology.id, partition })
  }
  return {
    internalTopics: [...internalTopics.values()].sort((left, right) => (left.topic.name < right.topic.name ? -1 : 1)),
    tasks,
  }
}

function externalCounts(
  subtopologies: readonly SubtopologyDescription[],
  partitionsOf: (topic: string) => number | undefined,
): Map<string, number> {
  const counts = new Map<string, number>()
  const missing = new Set<string>()
  for (const { sourceTopics } of subtopologies) {
    for (const topic of sourceTopics) {
      const count = partitionsOf(topic)
      if (count === undefined) missing.add(topic)
      else counts.set(topic, count)
    }
  }
  if (missing.size === 0) return counts
  const names = [...missing].sort()
  throw new MillraceError(
    'MR_TOPIC_UNKNOWN',
    names.length === 1
      ? `source topic '${names[0]}' does not exist`
      : `source topics do not exist: ${names.map((name) => `'${name}'`).join(', ')}`,
    {
      topic: names[0],
      hint:
        'Create them: source topics are never created automatically. ' +
        'An application that was running goes on by itself once they exist.',
    },
  )
}

function wrongCount(topic: string, has: number, wants: number): MillraceError {
  return new MillraceError(
    'MR_INTERNAL_TOPIC',
    `internal topic '${topic}' has ${partitionsText(has)}, but the topology wants ${wants}`,
    {
      topic,
      hint:
        'The number of partitions of a source topic, or the topology, has changed. ' +
        `Start over with "millrace reset", or give the topic ${partitionsText(wants)}.`,
    },
  )
}

function partitionsText(count: number): string {
  return count === 1 ? '1 partition' : `${count} partitions`
}
