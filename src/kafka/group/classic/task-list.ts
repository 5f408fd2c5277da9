import { MillraceError } from '../../../errors/millrace-error.ts'
import type { SubtopologyDescription, TaskId } from '../../../group/group.ts'
import { resolveTopology, type ResolvedTopic } from '../../../group/resolve-topology.ts'
import { TopicAdmin } from '../../admin/topic-admin.ts'
import type { Cluster } from '../../cluster/cluster.ts'

/** The tasks of a topology and the partition counts of their topics, or the error why there are none. */
export type Tasks = { readonly tasks: readonly TaskId[]; readonly counts: ReadonlyMap<string, number> } | MillraceError

/** Finds the tasks that a topology has on this cluster. */
export class TaskList {
  readonly #admin: TopicAdmin
  readonly #subtopologies: readonly SubtopologyDescription[]
  readonly #topics: readonly string[]

  constructor(cluster: Cluster, subtopologies: readonly SubtopologyDescription[]) {
    this.#admin = new TopicAdmin(cluster)
    this.#subtopologies = subtopologies
    const internal = subtopologies.flatMap(({ repartitionSourceTopics, changelogTopics }) => [
      ...repartitionSourceTopics,
      ...changelogTopics,
    ])
    const names = [...subtopologies.flatMap(({ sourceTopics }) => sourceTopics), ...internal.map(({ name }) => name)]
    this.#topics = [...new Set(names)].sort()
  }

  /**
   * Looks at the topics and creates the internal ones that are missing.
   *
   * @returns instead of tasks an error that lasts until the user mends the topics: MR_TOPIC_UNKNOWN,
   *   MR_NOT_COPARTITIONED, MR_INTERNAL_TOPIC
   * @throws MR_LOG_UNREACHABLE, MR_LOG_FAILED
   */
  async find(): Promise<Tasks> {
    const topics = await this.#admin.describeTopics(this.#topics)
    try {
      const partitionsOf = (topic: string) => topics.get(topic)?.partitions
      const { internalTopics, tasks } = resolveTopology(this.#subtopologies, partitionsOf)
      await this.#create(internalTopics.filter(({ exists }) => !exists))
      const counts = new Map<string, number>()
      for (const { name, partitions } of topics.values()) counts.set(name, partitions)
      for (const { topic, partitions } of internalTopics) counts.set(topic.name, partitions)
      return { tasks, counts: new Map([...counts].sort(([left], [right]) => (left < right ? -1 : 1))) }
    } catch (error) {
      if (error instanceof MillraceError && isMendable(error.code)) return error
      throw error
    }
  }

  async #create(missing: readonly ResolvedTopic[]): Promise<void> {
    try {
      await this.#admin.createTopics(
        missing.map(({ topic, partitions }) => ({
          name: topic.name,
          partitions,
          replicationFactor: topic.replicationFactor,
          configs: Object.fromEntries(topic.configs),
        })),
      )
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code === 'MR_LOG_UNREACHABLE') throw error
      const topic = error.topic ?? missing[0]?.topic.name
      throw new MillraceError('MR_INTERNAL_TOPIC', `internal topic '${topic}' cannot be created: ${error.message}`, {
        topic,
        cause: error,
        hint: 'Check its configs, the replication factor and the permissions, or create it yourself.',
      })
    }
  }
}

function isMendable(code: string): boolean {
  return code === 'MR_TOPIC_UNKNOWN' || code === 'MR_NOT_COPARTITIONED' || code === 'MR_INTERNAL_TOPIC'
}
