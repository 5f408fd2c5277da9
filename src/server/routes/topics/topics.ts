import type { Family } from '../../http/route.ts'
import { confluentV2 } from './confluent-v2.ts'
import { confluentV3 } from './confluent-v3.ts'
import { GivenRecords } from './given-records.ts'
import { metadata } from './metadata.ts'
import { read } from './read.ts'
import { TopicProducer } from './topic-producer.ts'
import { TopicsOfLog } from './topics-of-log.ts'
import { write } from './write.ts'

/** The topics of the log: what they are, and their records, read and written, also in the shapes of Confluent. */
export const topics: Family = (served) => {
  const ofLog = new TopicsOfLog(served)
  const producer = new TopicProducer(served.streams.log)
  served.atClose(() => producer.close())
  const records = new GivenRecords(ofLog)
  return [
    ...metadata(ofLog),
    read(served, ofLog),
    write(served, ofLog, records, producer),
    ...confluentV2(served, ofLog, records, producer),
    ...confluentV3(served, ofLog, records, producer),
  ]
}
