import { MillraceError } from '../../../errors/millrace-error.ts'
import { alterConfigs, describeConfigs } from '../../admin/admin-configs.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { KafkaError } from '../../protocol/errors.ts'

const standbyConfig = 'streams.num.standby.replicas'
/** The value of `group.streams.session.timeout.ms` if the broker does not give it. */
const defaultSessionTimeout = 45_000

/**
 * Sets the wanted number of standbys on the group, where the coordinator looks for it (KIP-1071).
 *
 * @returns the session timeout: the time in ms without a heartbeat after which the coordinator gives up a member
 * @throws MR_CONFIG if the broker refuses that many standbys
 */
export async function prepareGroup(cluster: Cluster, groupId: string, standbyReplicas: number): Promise<number> {
  let configs: ReadonlyMap<string, string | null>
  try {
    configs = await describeConfigs(cluster, 'group', groupId)
  } catch (error) {
    // This user may not read them. The coordinator applies its own.
    if (!isRefusal(error)) throw error
    configs = new Map()
  }
  if (Number(configs.get(standbyConfig) ?? 0) !== standbyReplicas) {
    try {
      await alterConfigs(cluster, 'group', groupId, { [standbyConfig]: String(standbyReplicas) })
    } catch (error) {
      if (!isRefusal(error)) throw error
      throw new MillraceError('MR_CONFIG', `the broker refuses ${standbyReplicas} standby replicas: ${error.message}`, {
        cause: error,
        hint:
          'Choose fewer, raise group.streams.max.standby.replicas on the brokers, ' +
          `or set ${standbyConfig} on the group yourself.`,
      })
    }
  }
  return Number(configs.get('streams.session.timeout.ms') ?? defaultSessionTimeout)
}

function isRefusal(error: unknown): error is KafkaError {
  return error instanceof KafkaError && !error.retriable
}
