import { kafka } from '../../../src/kafka/index.ts'
import { PartitionMap } from '../../../src/log/log.ts'
import { partitionForKey } from '../../../src/record/murmur2.ts'
import { RecordSlice } from '../../../src/record/record-slice.ts'
import type { InputRecord } from '../rig/workloads.ts'

/** ms that filling may take. */
const LIMIT = 600_000
const MOST_BYTES = 4096

/** Fills a topic by one transaction: whoever reads it already sees nothing for as long, then everything at once. */
export async function fillAtOnce(
  brokers: string,
  name: string,
  records: number,
  recordOf: (i: number) => InputRecord,
): Promise<void> {
  const log = kafka({ brokers, transactionTimeout: LIMIT })
  try {
    const client = await log.openClient({
      guarantee: 'exactly_once',
      commitInterval: LIMIT / 2,
      clientId: `${name}-writer`,
      transactionalId: `${name}-writer`,
      groupId: `${name}-writer`,
      processId: `${name}-writer`,
      subtopologies: [],
      rebalanceTimeout: LIMIT,
      standbyReplicas: 0,
    })
    const { producer } = client
    const partitions = await producer.loadPartitionCount(name)
    const slice = new RecordSlice()
    const buffer = (slice.buffer = Buffer.allocUnsafe(MOST_BYTES))
    for (let i = 0; i < records; i++) {
      const { key, value, timestamp } = recordOf(i)
      const keyEnd = buffer.write(key, 0)
      const valueEnd = keyEnd + buffer.write(JSON.stringify(value), keyEnd)
      const partition = partitionForKey(buffer, 0, keyEnd, partitions)
      slice.timestamp = timestamp
      slice.setKey(0, keyEnd)
      slice.setValue(keyEnd, valueEnd)
      producer.append(name, partition, slice)
      if (!producer.writable) await new Promise<void>((resolve) => producer.onWritable(resolve))
    }
    const outcome = await client.commit(new PartitionMap())
    if (outcome !== 'committed') throw new Error(`filling the topic ${name} is ${outcome}`)
    await client.close()
  } finally {
    await log.close()
  }
}
