import { describeConfigsV4, incrementalAlterConfigsV1 } from '@platformatic/kafka'
import type { TopicConfig } from '../../log/admin.ts'
import type { Cluster } from '../cluster/cluster.ts'
import { READ_TOPIC_PATIENCE } from '../cluster/retry.ts'
import { throwOnError, type Permissions } from '../protocol/errors.ts'
import { topicError } from './topic-errors.ts'

/** The owner of configs: a topic, a broker (by id) or a group (KIP-848, KIP-1071). */
export type ConfigResource = 'topic' | 'broker' | 'group'

/** The part of a `Cluster` that `describeConfigs` uses. */
export type ConfigCluster = Pick<Cluster, 'options' | 'retrying' | 'sendToAny'>

const resourceTypes = { topic: 2, broker: 4, group: 32 } as const
const operations = { set: 0, delete: 1 } as const

/** Sources of a config by Kafka's numbers (DescribeConfigs): of the topic, of one broker, of all, in its file. */
const sources: Readonly<Record<number, TopicConfig['source']>> = { 1: 'topic', 2: 'broker', 3: 'broker', 4: 'broker' }

/** Returns configs by name, with `null` for sensitive ones. @throws MR_LOG_FAILED, MR_LOG_UNREACHABLE */
export async function describeConfigs(
  cluster: ConfigCluster,
  resource: ConfigResource,
  name: string,
): Promise<ReadonlyMap<string, string | null>> {
  const configs = await requestConfigs(cluster, resource, name)
  return new Map(configs.map(({ name: config, value }) => [config, value ?? null]))
}

/** Returns a topic's configs with their sources, sorted. @throws MR_TOPIC_UNKNOWN, MR_LOG_FAILED, MR_LOG_UNREACHABLE */
export async function topicConfigs(cluster: ConfigCluster, topic: string): Promise<ReadonlyMap<string, TopicConfig>> {
  const configs = await ofTopic(topic, () => requestConfigs(cluster, 'topic', topic, READ_TOPIC_PATIENCE))
  const described = configs.map(({ name, value, configSource }): [string, TopicConfig] => [
    name,
    { value: value ?? null, source: sources[configSource] ?? 'default' },
  ])
  return new Map(described.sort(([left], [right]) => (left < right ? -1 : 1)))
}

/** Alters configs of a topic. @throws MR_TOPIC_INVALID, MR_TOPIC_UNKNOWN, MR_LOG_FAILED, MR_LOG_UNREACHABLE */
export async function alterTopicConfigs(
  cluster: Cluster,
  topic: string,
  changes: Readonly<Record<string, string | null>>,
): Promise<void> {
  await ofTopic(topic, () => alterConfigs(cluster, 'topic', topic, changes, READ_TOPIC_PATIENCE))
}

/** Gives the errors about a topic their codes. */
async function ofTopic<T>(topic: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw topicError(topic, error)
  }
}

async function requestConfigs(
  cluster: ConfigCluster,
  resource: ConfigResource,
  name: string,
  unknownTopicPatience?: number,
): Promise<readonly describeConfigsV4.DescribeConfigsResponseConfig[]> {
  return cluster.retrying({ what: 'describing configs', ...patience(unknownTopicPatience) }, async () => {
    const request = [{ resourceType: resourceTypes[resource], resourceName: name, configurationKeys: null }]
    const response = await cluster.sendToAny('admin', describeConfigsV4.api, request, false, false)
    return response.results.flatMap((result) => {
      throwOnError(result.errorCode, `describing configs of ${resource} ${name}`, {
        text: result.errorMessage,
        ...refusedOf(resource, name, 'DescribeConfigs'),
      })
      return result.configs
    })
  })
}

function patience(unknownTopicPatience: number | undefined): { readonly unknownTopicPatience?: number } {
  return unknownTopicPatience === undefined ? {} : { unknownTopicPatience }
}

/**
 * Sets configs of a topic, broker or group one by one and leaves the others; `null` restores a default. Brokers apply
 * and report a change a moment later.
 *
 * @throws MR_LOG_FAILED (`INVALID_CONFIG` with the broker's reason), MR_LOG_UNREACHABLE
 */
export async function alterConfigs(
  cluster: Cluster,
  resource: ConfigResource,
  name: string,
  changes: Readonly<Record<string, string | null>>,
  unknownTopicPatience?: number,
): Promise<void> {
  const configs = Object.entries(changes).map(([config, value]) =>
    value === null
      ? { name: config, configOperation: operations.delete }
      : { name: config, configOperation: operations.set, value },
  )
  await cluster.retrying({ what: 'altering configs', ...patience(unknownTopicPatience) }, async () => {
    const request = [{ resourceType: resourceTypes[resource], resourceName: name, configs }]
    const response = await cluster.sendToAny('admin', incrementalAlterConfigsV1.api, request, false)
    for (const { errorCode, errorMessage } of response.responses) {
      throwOnError(errorCode, `altering configs of ${resource} ${name}`, {
        text: errorMessage,
        ...refusedOf(resource, name, 'AlterConfigs'),
      })
    }
  })
}

/** Returns the place and the permission that the error of a refusal names. */
function refusedOf(
  resource: ConfigResource,
  name: string,
  operation: 'DescribeConfigs' | 'AlterConfigs',
): { readonly topic?: string; readonly needs: Permissions } {
  if (resource === 'topic') return { topic: name, needs: { topic: operation } }
  return { needs: resource === 'group' ? { group: [name, operation] } : { cluster: operation } }
}
