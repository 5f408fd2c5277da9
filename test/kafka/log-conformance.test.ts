import { kafka } from '../../src/kafka/index.ts'
import { logConformance } from '../log/log-conformance.ts'
import { sharedBroker } from './broker/index.ts'

logConformance('Kafka', async () => {
  const log = kafka({ brokers: await sharedBroker() })
  return { log, close: async () => log.close() }
})
