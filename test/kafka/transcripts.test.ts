import { join } from 'node:path'
import { describe } from 'vitest'
import { kafka } from 'millrace/kafka'
import { ORDERS, transcriptTests, type TranscriptPlace } from '../cli/transcript-suite.ts'
import { sharedBroker, uniqueName } from './broker/index.ts'

describe('on Kafka', () => {
  const place: TranscriptPlace = {
    prefix: () => `${uniqueName('terminals')}-`,
    async create(topics, directory) {
      const brokers = await sharedBroker()
      const log = kafka({ brokers })
      await log.createTopics(topics)
      await log.close()
      return `--kafka ${brokers} --data ${join(directory, 'data')}`
    },
  }
  transcriptTests(place, ORDERS.slice(0, 1))
})
