import { beforeAll, describe } from 'vitest'
import { kafka } from 'millrace/kafka'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'
import { badInputPromises } from './bad-input-promises.ts'

let brokers: string
beforeAll(async () => {
  brokers = await sharedBroker()
})

describe('millrace run on Kafka', { timeout: 120_000 }, () => {
  badInputPromises(() => ({
    prefix: `${uniqueName('bad')}-`,
    args: ['--kafka', brokers],
    open: async () => kafka({ brokers }),
  }))
})
