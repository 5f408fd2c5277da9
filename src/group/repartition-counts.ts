import { MillraceError } from '../errors/millrace-error.ts'
import type { SubtopologyDescription } from './group.ts'

/**
 * Adds the partition count of every repartition topic to `counts`, which holds the external source topics. An explicit
 * count stands. Topics that must be co-partitioned get one count: that of the external or explicit ones, which must
 * agree, else the largest that any of them needs. On its own, a repartition topic needs as many partitions as the
 * largest source topic of the sub-topologies that write to it.
 *
 * @throws MR_NOT_COPARTITIONED, naming every topic of the group with its count; MR_INTERNAL_TOPIC if a count is
 *   underivable
 */
export function resolveRepartitionCounts(
  subtopologies: readonly SubtopologyDescription[],
  counts: Map<string, number>,
): void {
  const flexible = new Set<string>()
  for (const { repartitionSourceTopics } of subtopologies) {
    for (const topic of repartitionSourceTopics) {
      if (topic.partitions > 0) counts.set(topic.name, topic.partitions)
      else flexible.add(topic.name)
    }
  }
  const open: string[][] = []
  for (const group of mergedGroups(subtopologies, flexible)) {
    const fixed = group.filter((topic) => !flexible.has(topic))
    const count = commonCount(fixed, counts)
    if (count === undefined) open.push(group)
    else for (const topic of group) counts.set(topic, count)
  }
  deriveFromWriters(open, subtopologies, counts)
}

/** Returns the co-partition groups, merged where they share a topic. Every other repartition topic is its own group. */
function mergedGroups(subtopologies: readonly SubtopologyDescription[], flexible: ReadonlySet<string>): string[][] {
  const groupOf = new Map<string, Set<string>>()
  for (const { copartitionGroups } of subtopologies) {
    for (const topics of copartitionGroups) {
      const merged = new Set(topics)
      for (const topic of topics) for (const other of groupOf.get(topic) ?? []) merged.add(other)
      for (const topic of merged) groupOf.set(topic, merged)
    }
  }
  for (const topic of flexible) if (!groupOf.has(topic)) groupOf.set(topic, new Set([topic]))
  return [...new Set(groupOf.values())].map((group) => [...group].sort())
}

function commonCount(topics: readonly string[], counts: ReadonlyMap<string, number>): number | undefined {
  const count = counts.get(topics[0] ?? '')
  if (topics.every((topic) => counts.get(topic) === count)) return count
  const list = topics.map((topic) => `${topic}: ${counts.get(topic)}`).join(', ')
  throw new MillraceError('MR_NOT_COPARTITIONED', `topics that are joined differ in their partition counts (${list})`, {
    topic: topics[0],
    hint: 'Give them the same number of partitions, or repartition one of them.',
  })
}

/**
 * Repeats until every group has a count: one repartition topic may feed another. Where topics feed each other in a
 * circle, the counts that are known so far decide, as in Kafka Streams.
 */
function deriveFromWriters(
  open: string[][],
  subtopologies: readonly SubtopologyDescription[],
  counts: Map<string, number>,
): void {
  let remaining = open
  let inCircles = false
  while (remaining.length > 0) {
    const unresolved = remaining.filter((group) => {
      const count = neededByWriters(group, subtopologies, counts, inCircles)
      if (count === undefined) return true
      for (const topic of group) counts.set(topic, count)
      return false
    })
    const stuck = unresolved.length === remaining.length
    if (stuck && inCircles) throw underivable(unresolved[0]![0]!)
    inCircles = stuck
    remaining = unresolved
  }
}

/**
 * Returns the most partitions that any writer of the group's topics needs; `undefined` while one of its sources has no
 * count, or, with `ignoreUnknown`, while none has one.
 */
function neededByWriters(
  group: readonly string[],
  subtopologies: readonly SubtopologyDescription[],
  counts: ReadonlyMap<string, number>,
  ignoreUnknown: boolean,
): number | undefined {
  let most = 0
  for (const subtopology of subtopologies) {
    if (!group.some((topic) => subtopology.repartitionSinkTopics.includes(topic))) continue
    const sources = [...subtopology.sourceTopics, ...subtopology.repartitionSourceTopics.map((topic) => topic.name)]
    for (const source of sources) {
      const count = counts.get(source)
      if (count !== undefined) most = Math.max(most, count)
      else if (!ignoreUnknown && !group.includes(source)) return undefined
    }
  }
  return most === 0 ? undefined : most
}

function underivable(topic: string): MillraceError {
  return new MillraceError('MR_INTERNAL_TOPIC', `the number of partitions of '${topic}' cannot be derived`, {
    topic,
    hint: 'Give the repartition an explicit number of partitions.',
  })
}
