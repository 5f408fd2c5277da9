import '../platform/require-node.ts'
import type { Log } from '../log/log.ts'
import { clusterOptions, type KafkaOptions } from './cluster/connection-options.ts'
import { KafkaLog } from './client/kafka-log.ts'

export type { KafkaOptions } from './cluster/connection-options.ts'
export type { SaslOptions } from './cluster/security-options.ts'

/**
 * Returns a log in a Kafka cluster. Nothing is connected until it is used; `close` ends every connection.
 *
 * Stream threads become members of groups by the streams protocol (KIP-1071), where the brokers have it, or by the
 * classic one; see `groupProtocol`. Brokers: Apache Kafka 3.5 and later.
 *
 * @throws MR_CONFIG that names the wrong option. Calls of the log throw MR_LOG_UNREACHABLE and MR_AUTHENTICATION.
 * @example
 * ```ts
 * const log = kafka({ brokers: 'localhost:9092' })
 * await log.createTopics([{ name: 'payments', partitions: 4 }])
 * ```
 */
export function kafka(options: KafkaOptions): Log {
  return new KafkaLog(clusterOptions(options), options)
}
