import { describeProducersV0, listTransactionsV0 } from '@platformatic/kafka'
import { Cluster } from '../../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../../src/kafka/cluster/connection-options.ts'

export interface OpenTransaction {
  readonly place: string
  /** True if its coordinator does not know it: it will never end, and no client can help that. */
  readonly isForgotten: boolean
}

/**
 * Finds partitions of topics with a prefix where an open transaction holds up readers of committed records.
 *
 * @throws if the brokers do not answer
 */
export async function openTransactions(brokers: string, prefix: string): Promise<OpenTransaction[]> {
  const cluster = new Cluster(clusterOptions({ brokers, apiTimeout: 5000 }))
  try {
    return await cluster.retrying({ what: 'describing transactions' }, () => describeOpen(cluster, prefix))
  } finally {
    await cluster.close()
  }
}

async function describeOpen(cluster: Cluster, prefix: string): Promise<OpenTransaction[]> {
  const names = ['payments', 'totals', 'minutes', 'named', 'checked'].map((name) => prefix + name)
  const stores = ['totals', 'minutes', 'owners', 'checking', 'checks']
  for (const internal of ['bookings-repartition', ...stores.map((store) => `${store}-changelog`)])
    names.push(`${prefix}bank-${internal}`)
  const topics = await cluster.refresh(names)
  const leaders = new Set([...topics.values()].flatMap(({ partitions }) => partitions.map(({ leader }) => leader)))
  const known = new Set<bigint>()
  for (const leader of leaders) {
    const { transactionStates } = await cluster.send(leader, 'admin', listTransactionsV0.api, [], [], 0n, null)
    for (const { producerId, transactionState } of transactionStates)
      if (!/^(Empty|Complete)/i.test(transactionState)) known.add(producerId)
  }
  const open: OpenTransaction[] = []
  for (const { name, partitions } of topics.values()) {
    for (const [partition, { leader }] of partitions.entries()) {
      const asked = [{ name, partitionIndexes: [partition] }]
      const answer = await cluster.send(leader, 'admin', describeProducersV0.api, asked)
      for (const { producerId, currentTxnStartOffset } of answer.topics[0]?.partitions[0]?.activeProducers ?? []) {
        if (currentTxnStartOffset < 0n) continue
        const place = `${name}/${partition} from offset ${currentTxnStartOffset} on, by producer ${producerId}`
        open.push({ place, isForgotten: !known.has(producerId) })
      }
    }
  }
  return open
}
