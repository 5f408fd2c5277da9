import { beforeAll, describe } from 'vitest'
import { kafka } from 'millrace/kafka'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'
import { restorePromises } from './restore-promises.ts'

let brokers: string
beforeAll(async () => {
  brokers = await sharedBroker()
})

describe('on Kafka', { timeout: 60_000 }, () => {
  restorePromises(async () => ({
    kind: 'kafka',
    address: brokers,
    prefix: `${uniqueName('restore')}-`,
    open: async () => kafka({ brokers }),
  }))
})
