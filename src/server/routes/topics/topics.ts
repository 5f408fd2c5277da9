import type { Family } from '../../http/route.ts'
import { metadata } from './metadata.ts'
import { read } from './read.ts'
import { TopicProducer } from './topic-producer.ts'
import { TopicsOfLog } from './topics-of-log.ts'
import { write } from './write.ts'

/** The topics of the log: what they are, and their records, read and written. */
export const topics: Family = (served) => {
  const ofLog = new TopicsOfLog(served)
  const producer = new TopicProducer(served.streams.log)
  served.atClose(() => producer.close())
  return [...metadata(ofLog), read(served, ofLog), write(served, ofLog, producer)]
}
