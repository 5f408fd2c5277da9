import type { InternalTopic, SubtopologyDescription } from '../../../group/group.ts'
import type { CopartitionGroup, Subtopology, TopicInfo } from '../../protocol/streams-group-types.ts'

/** Returns sub-topologies as the protocol writes them, all sorted: another order would be another topology. */
export function protocolSubtopologies(subtopologies: readonly SubtopologyDescription[]): Subtopology[] {
  return subtopologies
    .toSorted((a, b) => a.id - b.id)
    .map((subtopology) => {
      const sourceTopics = subtopology.sourceTopics.toSorted()
      const repartitionSourceTopics = subtopology.repartitionSourceTopics.map(topicInfo).toSorted(byName)
      const repartitionNames = repartitionSourceTopics.map(({ name }) => name)
      return {
        subtopologyId: String(subtopology.id),
        sourceTopics,
        repartitionSourceTopics,
        repartitionSinkTopics: subtopology.repartitionSinkTopics.toSorted(),
        changelogTopics: subtopology.changelogTopics.map(topicInfo).toSorted(byName),
        copartitionGroups: subtopology.copartitionGroups
          .map((group) => copartitionGroup(group.toSorted(), sourceTopics, repartitionNames))
          .toSorted((a, b) => compare(groupText(a), groupText(b))),
      }
    })
}

function topicInfo(topic: InternalTopic): TopicInfo {
  return {
    name: topic.name,
    partitions: topic.partitions,
    // In this message 0 asks for the broker's default, elsewhere -1 does.
    replicationFactor: Math.max(topic.replicationFactor, 0),
    configs: topic.configs.toSorted(([a], [b]) => compare(a, b)),
  }
}

function copartitionGroup(
  topics: readonly string[],
  sourceTopics: readonly string[],
  repartitionTopics: readonly string[],
): CopartitionGroup {
  return {
    sourceTopics: topics.map((topic) => sourceTopics.indexOf(topic)).filter((index) => index >= 0),
    repartitionSourceTopics: topics.map((topic) => repartitionTopics.indexOf(topic)).filter((index) => index >= 0),
  }
}

function groupText(group: CopartitionGroup): string {
  return `${group.sourceTopics.join(',')};${group.repartitionSourceTopics.join(',')}`
}

function byName(a: TopicInfo, b: TopicInfo): number {
  return compare(a.name, b.name)
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
