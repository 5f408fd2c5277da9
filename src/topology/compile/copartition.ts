import type { WrittenNode } from './topology-writer.ts'
import type { RepartitionTopic } from '../topology.ts'
import { topologyError } from '../topology-error.ts'
import { UnionFind } from './union-find.ts'

/**
 * Returns sets of topics that must have equal partition counts: those of sources that a join or a cogroup brings
 * together. Sets that share a topic are united. Sorted.
 *
 * @throws MR_TOPOLOGY_COPARTITION if repartition topics of one set were given different partition counts
 */
export function copartitionGroups(
  sourceSets: readonly ReadonlySet<string>[],
  nodes: ReadonlyMap<string, WrittenNode>,
  internalTopics: ReadonlyMap<string, RepartitionTopic>,
): string[][] {
  const united = new UnionFind()
  const all = new Set<string>()
  for (const sources of sourceSets) {
    const topics = [...sources].flatMap((name) => {
      const node = nodes.get(name)
      return node?.kind === 'source' ? node.topics : []
    })
    for (const topic of topics) {
      all.add(topic)
      united.unite(topics[0] ?? topic, topic)
    }
  }
  const groups = Object.values(Object.groupBy([...all].toSorted(), (topic) => united.root(topic)))
    .filter((group) => group !== undefined)
    .filter((group) => group.length > 1)
  for (const group of groups) checkFixedCounts(group, internalTopics)
  return groups.toSorted((a, b) => ((a[0] ?? '') < (b[0] ?? '') ? -1 : 1))
}

function checkFixedCounts(group: readonly string[], internalTopics: ReadonlyMap<string, RepartitionTopic>): void {
  const fixed = group
    .map((name) => internalTopics.get(name))
    .filter((topic) => topic !== undefined && topic.partitions > 0)
  if (new Set(fixed.map((topic) => topic?.partitions)).size <= 1) return
  const shown = fixed.map((topic) => `${topic?.name}=${topic?.partitions}`).join(', ')
  throw topologyError(
    'MR_TOPOLOGY_COPARTITION',
    `these topics are joined and must have equal partition counts: ${shown}`,
    'Give repartition() the same number of partitions on both sides.',
  )
}
