import { metadataV12 } from '@platformatic/kafka'
import { Cluster } from '../../../src/kafka/cluster.ts'
import { clusterOptions } from '../../../src/kafka/connection-options.ts'
import { KafkaError, kafkaErrors } from '../../../src/kafka/protocol/errors.ts'

/** Resolves when a broker answers as part of a cluster; rejects when `ended` is aborted or after a minute. */
export async function brokerReady(brokers: string, ended: AbortSignal): Promise<void> {
  const cluster = new Cluster(clusterOptions({ brokers, retryBackoffMax: 200, apiTimeout: 60_000 }))
  try {
    await cluster.retrying({ what: 'waiting for the test broker' }, async () => {
      ended.throwIfAborted()
      const response = await cluster.sendToAny('admin', metadataV12.api, [], false, false)
      if (response.brokers.length === 0) throw new KafkaError(kafkaErrors.leaderNotAvailable, 'no broker yet')
    })
  } finally {
    await cluster.close()
  }
}
