import { describeConfigsV4, incrementalAlterConfigsV1 } from '@platformatic/kafka'
import type { Cluster } from '../cluster/cluster.ts'
import { throwOnError, type Permissions } from '../protocol/errors.ts'

/** The owner of configs: a topic, a broker (by id) or a group (KIP-848, KIP-1071). */
export type ConfigResource = 'topic' | 'broker' | 'group'

/** The part of a `Cluster` that `describeConfigs` uses. */
export type ConfigCluster = Pick<Cluster, 'options' | 'retrying' | 'sendToAny'>

const resourceTypes = { topic: 2, broker: 4, group: 32 } as const
const operations = { set: 0, delete: 1 } as const

/** Returns configs by name, with `null` for sensitive ones. @throws MR_LOG_FAILED, MR_LOG_UNREACHABLE */
export async function describeConfigs(
  cluster: ConfigCluster,
  resource: ConfigResource,
  name: string,
): Promise<ReadonlyMap<string, string | null>> {
  return cluster.retrying({ what: 'describing configs' }, async () => {
    const request = [{ resourceType: resourceTypes[resource], resourceName: name, configurationKeys: null }]
    const response = await cluster.sendToAny('admin', describeConfigsV4.api, request, false, false)
    const configs = new Map<string, string | null>()
    for (const result of response.results) {
      throwOnError(result.errorCode, `describing configs of ${resource} ${name}`, {
        text: result.errorMessage,
        ...refusedOf(resource, name, 'DescribeConfigs'),
      })
      for (const config of result.configs) configs.set(config.name, config.value ?? null)
    }
    return configs
  })
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
): Promise<void> {
  const configs = Object.entries(changes).map(([config, value]) =>
    value === null
      ? { name: config, configOperation: operations.delete }
      : { name: config, configOperation: operations.set, value },
  )
  await cluster.retrying({ what: 'altering configs' }, async () => {
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
