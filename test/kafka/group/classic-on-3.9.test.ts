import { afterAll, beforeAll, describe } from 'vitest'
import { kafka } from '../../../src/kafka/index.ts'
import { logConformance } from '../../log/log-conformance.ts'
import { startBroker } from '../broker/index.ts'
import type { PrivateBroker } from '../broker/index.ts'
import { groupSuite } from '../group-suite.ts'

describe('a broker of Kafka 3.9', () => {
  let broker: PrivateBroker

  beforeAll(async () => {
    broker = await startBroker({ version: '3.9.1' })
  })

  afterAll(() => broker.stop())

  describe('the classic group protocol', () => {
    groupSuite('classic', async () => broker.brokers)
  })

  logConformance('Kafka 3.9', async () => {
    const log = kafka({ brokers: broker.brokers, heartbeatInterval: 200 })
    return { log, close: async () => log.close() }
  })
})
