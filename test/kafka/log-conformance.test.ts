import { kafka } from '../../src/kafka/index.ts'
import type { Log } from '../../src/log/log.ts'
import { logConformance } from '../log/log-conformance.ts'
import { sharedBroker } from './broker/index.ts'

logConformance(
  'Kafka',
  async () => {
    const log = kafka({ brokers: await sharedBroker() })
    return { log: atLeastOnce(log), close: async () => log.close() }
  },
  { transactional: false },
)

/** The suite's clients ask for the default guarantee. */
function atLeastOnce(log: Log): Log {
  return {
    kind: log.kind,
    describeTopics: (names) => log.describeTopics(names),
    createTopics: (topics) => log.createTopics(topics),
    listOffsets: (partitions, at) => log.listOffsets(partitions, at),
    deleteRecords: (offsets) => log.deleteRecords(offsets),
    openReader: () => log.openReader(),
    openProducer: () => log.openProducer(),
    openClient: (options) => log.openClient({ ...options, guarantee: 'at_least_once' }),
    close: () => log.close(),
  }
}
