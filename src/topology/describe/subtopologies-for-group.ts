import type { InternalTopic, SubtopologyDescription } from '../../group/group.ts'
import { changelogTopicName, internalTopicName } from '../internal-topic-names.ts'
import type { RepartitionTopic, Subtopology, Topology } from '../topology.ts'

/**
 * Returns what a group must know of the topology to create internal topics and hand out tasks (KIP-1071). Names carry
 * the application id; every list is sorted. Global tables, which make no tasks, are left out.
 */
export function subtopologiesForGroup(
  topology: Topology,
  applicationId: string,
  replicationFactor: number,
): SubtopologyDescription[] {
  const repartitions = new Map<string, RepartitionTopic>()
  for (const { nodes } of topology.subtopologies) {
    for (const node of nodes) {
      if (node.kind === 'sink' && node.repartition !== undefined)
        repartitions.set(node.repartition.name, node.repartition)
    }
  }
  const logName = (topic: string): string => (repartitions.has(topic) ? internalTopicName(applicationId, topic) : topic)

  return topology.subtopologies
    .filter(({ global }) => !global)
    .map((subtopology) => ({
      id: subtopology.id,
      sourceTopics: sourceTopics(subtopology, false),
      repartitionSourceTopics: sourceTopics(subtopology, true).map((topic) => {
        const { partitions, configs } = repartitions.get(topic) ?? { partitions: 0, configs: [] }
        return { name: logName(topic), partitions, replicationFactor, configs }
      }),
      repartitionSinkTopics: sinkTopics(subtopology).map(logName),
      changelogTopics: changelogTopics(topology, subtopology, applicationId, replicationFactor),
      copartitionGroups: subtopology.copartitionGroups
        .map((group) => group.map(logName).toSorted())
        .toSorted((a, b) => compare(a[0] ?? '', b[0] ?? '')),
    }))
}

/** Returns the names of all repartition topics and changelogs on the log. */
export function internalTopicsOf(topology: Topology, applicationId: string): string[] {
  return distinct(
    subtopologiesForGroup(topology, applicationId, -1).flatMap(({ repartitionSourceTopics, changelogTopics }) =>
      [...repartitionSourceTopics, ...changelogTopics].map(({ name }) => name),
    ),
  )
}

function sourceTopics(subtopology: Subtopology, internal: boolean): string[] {
  return distinct(
    subtopology.nodes.flatMap((node) => (node.kind === 'source' && node.internal === internal ? node.topics : [])),
  )
}

function sinkTopics(subtopology: Subtopology): string[] {
  return distinct(
    subtopology.nodes.flatMap((node) =>
      node.kind === 'sink' && node.repartition !== undefined ? [node.repartition.name] : [],
    ),
  )
}

function changelogTopics(
  topology: Topology,
  subtopology: Subtopology,
  applicationId: string,
  replicationFactor: number,
): InternalTopic[] {
  return subtopology.stores
    .map((name) => topology.stores.get(name))
    .filter((store) => store?.changelog?.kind === 'own')
    .map((store) => ({
      name: changelogTopicName(applicationId, store?.spec.name ?? ''),
      partitions: 0,
      replicationFactor,
      configs: store?.changelogConfigs ?? [],
    }))
    .toSorted((a, b) => compare(a.name, b.name))
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)].toSorted()
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
