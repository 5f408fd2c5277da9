import type { ErrorDecision, UncaughtErrorDecision } from '../../application/application.ts'
import type { LogFormat, LogLevel } from '../../application/log-line.ts'
import type { AppConfig } from '../../dsl/app-options.ts'
import type { EngineName } from '../../engine/engine.ts'
import type { KafkaOptions } from '../../kafka/cluster/connection-options.ts'
import type { Duration } from '../../options/options.ts'
import type { StreamsOptions } from '../../runtime/streams-options.ts'

type OfKafka =
  | 'apiTimeout'
  | 'clientId'
  | 'compression'
  | 'connectTimeout'
  | 'groupProtocol'
  | 'heartbeatInterval'
  | 'maxBatchBytes'
  | 'maxRequestSize'
  | 'requestTimeout'
  | 'retryBackoff'
  | 'retryBackoffMax'
  | 'sessionTimeout'
  | 'transactionTimeout'
type OfApplication =
  | 'bufferedRecordsPerPartition'
  | 'cacheBytes'
  | 'commitInterval'
  | 'deadLetterTopic'
  | 'guarantee'
  | 'idleAfter'
  | 'logValues'
  | 'maxTaskIdle'
  | 'memory'
  | 'replicationFactor'
  | 'standbyReplicas'
  | 'taskTimeout'
  | 'threads'
  | 'topicConfigs'
  | 'windowStoreChangelogAdditionalRetention'
type OfStreams =
  | 'advertise'
  | 'attach'
  | 'companions'
  | 'fileMode'
  | 'instanceId'
  | 'onRestore'
  | 'onState'
  | 'readyLag'
  | 'stateCleanupDelay'
  | 'stateDirectory'

/**
 * What a module says about its run by `millrace run`, as `export const options`. Environment variables, a file of
 * settings and flags of the same names win over it. Secrets are in none of them.
 *
 * @example
 * ```ts
 * import { hostname } from 'node:os'
 * import type { RunSettings } from 'millrace'
 *
 * export const options: RunSettings = { instanceId: hostname(), http: 8080, drain: '10s' }
 * ```
 */
export interface RunSettings
  extends Pick<KafkaOptions, OfKafka>, Pick<AppConfig, OfApplication>, Pick<StreamsOptions, OfStreams> {
  /** Kafka brokers; without them, an embedded log. */
  readonly kafka?: string | readonly string[]
  /** File of properties as Kafka's tools take it: what it says about TLS and SASL. */
  readonly kafkaConfig?: string
  readonly kafkaTls?: boolean
  /** File with the authorities to trust, as PEM. */
  readonly kafkaCa?: string
  readonly kafkaCert?: string
  readonly kafkaKey?: string
  readonly kafkaKeyPassphraseFile?: string
  readonly kafkaSasl?: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER'
  readonly kafkaUser?: string
  readonly kafkaPasswordFile?: string
  readonly kafkaTokenFile?: string
  readonly onDeserializationError?: ErrorDecision
  readonly onProcessingError?: ErrorDecision
  readonly onProductionError?: ErrorDecision
  readonly onUncaughtError?: UncaughtErrorDecision
  /** Directory of the state and the embedded log. Default: `.millrace`. */
  readonly data?: string
  readonly engine?: EngineName
  /** False: a commit of the embedded log survives the death of the process, not that of the machine. */
  readonly fsync?: boolean
  /** The address to serve HTTP on: `PORT` or `HOST:PORT`. */
  readonly http?: number | string
  readonly httpTokenFile?: string
  readonly httpDeadLetters?: string
  /** Topics that may be written over HTTP. */
  readonly httpWrite?: string | readonly string[]
  readonly httpHosts?: string | readonly string[]
  readonly httpCors?: string | readonly string[]
  readonly httpCert?: string
  readonly httpKey?: string
  readonly peerTokenFile?: string
  readonly peerCa?: string
  readonly peerCert?: string
  readonly peerKey?: string
  /** How long to run on after SIGTERM, no longer ready. Default: 5 s with a server, else 0. */
  readonly drain?: Duration
  /** How long closing may take. Default: 25 s. */
  readonly closeTimeout?: Duration
  readonly logFormat?: LogFormat
  readonly logLevel?: LogLevel
}
