import { kafka } from '../../src/kafka/index.ts'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'
import { instancePromises } from './instance-promises.ts'

instancePromises('Kafka, at least once', async () => {
  const log = kafka({ brokers: await sharedBroker() })
  return { log, uniqueName, guarantee: 'at_least_once', close: async () => log.close() }
})
