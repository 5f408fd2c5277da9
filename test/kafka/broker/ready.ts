import { metadataV12 } from '@platformatic/kafka'
import { Cluster } from '../../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../../src/kafka/cluster/connection-options.ts'
import { KafkaError, kafkaErrors } from '../../../src/kafka/protocol/errors.ts'

/** Resolves when a broker is in a cluster of at least `nodes`; rejects when `ended` is aborted or after a minute. */
export async function brokerReady(address: string, ended: AbortSignal, nodes: readonly number[] = []): Promise<void> {
  const cluster = new Cluster(clusterOptions({ brokers: address, retryBackoffMax: 200, apiTimeout: 60_000 }))
  try {
    await cluster.retrying({ what: 'waiting for the test broker' }, async () => {
      ended.throwIfAborted()
      const { brokers } = await cluster.sendToAny('admin', metadataV12.api, [], false, false)
      const known = new Set(brokers.map(({ nodeId }) => nodeId))
      if (known.size === 0 || !nodes.every((node) => known.has(node)))
        throw new KafkaError(kafkaErrors.leaderNotAvailable, 'not all brokers are there yet')
    })
  } finally {
    await cluster.close()
  }
}
