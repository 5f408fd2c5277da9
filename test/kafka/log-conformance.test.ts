import { afterAll, beforeAll, describe } from 'vitest'
import { kafka } from '../../src/kafka/index.ts'
import type { Log } from '../../src/log/log.ts'
import { groupConformance } from '../log/group-conformance.ts'
import { logConformance } from '../log/log-conformance.ts'
import { clientOptions } from '../log/log-harness.ts'
import { sharedBroker, uniqueName } from './broker/index.ts'

logConformance('Kafka', async () => {
  const log = kafka({ brokers: await sharedBroker() })
  return { log, close: async () => log.close() }
})

describe('the Log port: Kafka, at least once', () => {
  let log: Log
  beforeAll(async () => {
    log = kafka({ brokers: await sharedBroker() })
  })
  afterAll(async () => {
    await log.close()
  })

  groupConformance(
    () => log,
    async (partitions = 1) => {
      const name = uniqueName('topic')
      await log.createTopics([{ name, partitions }])
      return name
    },
    (groupId, thread, subtopologies, rest = {}) =>
      clientOptions(groupId, thread, subtopologies, { guarantee: 'at_least_once', ...rest }),
  )
})
