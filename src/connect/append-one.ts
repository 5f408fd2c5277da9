import type { Log } from '../log/log.ts'
import { systemClock } from '../platform/clock.ts'
import { RecordSlice } from '../record/record-slice.ts'

/** Writes one record outside any transaction. */
export async function appendOne(
  log: Log,
  topic: string,
  partition: number,
  key: string,
  value: Buffer | null,
): Promise<void> {
  const producer = log.openProducer()
  try {
    await producer.loadPartitionCount(topic)
    producer.append(topic, partition, RecordSlice.of(systemClock.now(), Buffer.from(key), value, undefined))
    await producer.flush()
  } finally {
    await producer.close()
  }
}
