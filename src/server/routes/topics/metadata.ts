import type { z } from '@hono/zod-openapi'
import { topicDetails } from '../../../admin/topic-details.ts'
import type { Rights } from '../../access/role.ts'
import { jsonAnswer, respond, route, type Route } from '../../http/route.ts'
import { ListedTopics, TOPIC, TopicDetails } from './schemas.ts'
import type { TopicsOfLog } from './topics-of-log.ts'

/** Which topics there are, and what they are. */
export function metadata(topics: TopicsOfLog): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/v1/topics',
      needs: ['read', 'topics.read'],
      summary: "The topics of the application, or, with the role topics.read, of the log but for the brokers' own",
      answers: { 200: jsonAnswer('the topics by name', ListedTopics) },
      async answer({ rights }) {
        const found = await topics.log.describeTopics(await topics.names(rights))
        const listed = [...found.values()].map(({ name, partitions }) => ({
          ...shown(topics, name, rights),
          partitions,
        }))
        return respond(ListedTopics, { topics: listed.toSorted((a, b) => (a.name < b.name ? -1 : 1)) })
      },
    }),
    route({
      method: 'get',
      path: '/v1/topics/{topic}',
      needs: ['read', 'topics.read'],
      summary: 'A topic: its configs, and where its partitions are',
      parameters: TOPIC,
      answers: { 200: jsonAnswer('the topic', TopicDetails) },
      async answer({ path: { topic: name }, rights }) {
        const { id, configs, partitions } = await topicDetails(topics.log, await topics.readable(name, rights))
        return respond(TopicDetails, {
          ...shown(topics, name, rights),
          id,
          configs: Object.fromEntries(configs),
          partitions: partitions.map(({ partition, leader = null, ...rest }) => ({ partition, leader, ...rest })),
        })
      },
    }),
  ]
}

function shown(
  topics: TopicsOfLog,
  name: string,
  rights: Rights,
): Omit<z.input<typeof TopicDetails>, 'id' | 'configs' | 'partitions'> {
  const own = topics.own.get(name)
  return {
    name,
    own: own?.kind ?? null,
    internal: topics.isInternal(name),
    writable: topics.mayWrite(name, rights),
    keySerde: own?.serdes?.key.name ?? null,
    valueSerde: own?.serdes?.value.name ?? null,
  }
}
