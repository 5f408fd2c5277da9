import type { SASLOptions } from '@platformatic/kafka'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { systemClock } from '../platform/clock.ts'
import type { Clock } from '../platform/clock.ts'
import { MillraceError } from '../errors.ts'

/** How to reach a Kafka cluster. */
export interface KafkaOptions {
  /** Bootstrap brokers: `'host:port,host:port'` or a list of them. Any one that answers is enough. */
  readonly brokers: string | readonly string[]
  /** Name shown in the broker's logs and quotas. Default `millrace`. */
  readonly clientId?: string
  /** TLS; `true` trusts the system's certificate authorities. */
  readonly tls?: boolean | TlsOptions
  /** SASL mechanism (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER) and credentials; functions are asked at every login. */
  readonly sasl?: SASLOptions
  /** Milliseconds to wait for a connection to open. Default 10 s, as `socket.connection.setup.timeout.ms`. */
  readonly connectTimeout?: number
  /** Milliseconds to wait for an answer. Default 30 s, as `request.timeout.ms`. */
  readonly requestTimeout?: number
  /** Milliseconds for which a call is repeated on another or a recovering broker before it fails. Default 60 s, as `default.api.timeout.ms`. */
  readonly apiTimeout?: number
  /**
   * Milliseconds after which the coordinator aborts a transaction that was not ended, so that readers of committed records can go on behind
   * a client that died. Must be longer than the commit interval. Default 10 s, as Kafka Streams sets `transaction.timeout.ms`.
   */
  readonly transactionTimeout?: number
  /**
   * How stream threads share their tasks. `streams`: the brokers assign them (KIP-1071; Apache Kafka 4.2 or later with the feature
   * `streams.version`). `classic`: a member assigns them, on any broker from 3.5. Default `auto`: `streams` where the brokers have it and
   * no members of a classic group are alive, else `classic`. A group changes from one to the other, with its offsets, when all of
   * its members have stopped.
   */
  readonly groupProtocol?: 'auto' | 'streams' | 'classic'
  /**
   * Milliseconds without a heartbeat after which a member of a classic group counts as dead. Default 45 s, as `session.timeout.ms`; a
   * streams group has its own setting on the brokers.
   */
  readonly sessionTimeout?: number
  /** Milliseconds between two heartbeats of a member of a classic group. Default 3 s, as `heartbeat.interval.ms`. */
  readonly heartbeatInterval?: number
  /** First and longest pause between two attempts, in ms. Default 50 and 1000. */
  readonly retryBackoff?: number
  readonly retryBackoffMax?: number
  readonly clock?: Clock
}

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

/** `KafkaOptions` with every default filled in. */
export interface ClusterOptions {
  readonly brokers: readonly BrokerAddress[]
  readonly clientId: string
  readonly tls: TlsOptions | undefined
  readonly sasl: SASLOptions | undefined
  readonly connectTimeout: number
  readonly requestTimeout: number
  readonly apiTimeout: number
  readonly transactionTimeout: number
  readonly groupProtocol: 'auto' | 'streams' | 'classic'
  readonly sessionTimeout: number
  readonly heartbeatInterval: number
  readonly retryBackoff: number
  readonly retryBackoffMax: number
  readonly clock: Clock
}

/** @throws MR_CONFIG naming the option */
export function clusterOptions(options: KafkaOptions): ClusterOptions {
  const list = typeof options.brokers === 'string' ? options.brokers.split(',') : options.brokers
  const brokers = list.map((entry) => entry.trim()).filter((entry) => entry !== '')
  if (brokers.length === 0) {
    throw new MillraceError('MR_CONFIG', 'brokers is empty', { hint: "Name at least one broker, as 'localhost:9092'." })
  }
  return {
    brokers: brokers.map(brokerAddress),
    clientId: options.clientId ?? 'millrace',
    tls: options.tls === true ? {} : options.tls === false ? undefined : options.tls,
    sasl: options.sasl,
    connectTimeout: positive('connectTimeout', options.connectTimeout ?? 10_000),
    requestTimeout: positive('requestTimeout', options.requestTimeout ?? 30_000),
    apiTimeout: positive('apiTimeout', options.apiTimeout ?? 60_000),
    transactionTimeout: positive('transactionTimeout', options.transactionTimeout ?? 10_000),
    groupProtocol: groupProtocol(options.groupProtocol ?? 'auto'),
    sessionTimeout: positive('sessionTimeout', options.sessionTimeout ?? 45_000),
    heartbeatInterval: positive('heartbeatInterval', options.heartbeatInterval ?? 3_000),
    retryBackoff: positive('retryBackoff', options.retryBackoff ?? 50),
    retryBackoffMax: positive('retryBackoffMax', options.retryBackoffMax ?? 1000),
    clock: options.clock ?? systemClock,
  }
}

function brokerAddress(text: string): BrokerAddress {
  const match = /^(?:\[(?<ip6>[^\]]+)\]|(?<host>[^:\s]+)):(?<port>\d{1,5})$/.exec(text)
  const host = match?.groups?.['ip6'] ?? match?.groups?.['host']
  const port = Number(match?.groups?.['port'])
  if (host === undefined || !(port > 0 && port < 65_536)) {
    throw new MillraceError('MR_CONFIG', `brokers: '${text}' is not host:port`, {
      hint: "Write brokers as 'localhost:9092'.",
    })
  }
  return { host, port }
}

function groupProtocol(value: ClusterOptions['groupProtocol']): ClusterOptions['groupProtocol'] {
  if (value === 'auto' || value === 'streams' || value === 'classic') return value
  throw new MillraceError('MR_CONFIG', `groupProtocol must be 'auto', 'streams' or 'classic', not ${String(value)}`)
}

function positive(name: string, value: number): number {
  if (!Number.isFinite(value) || value <= 0) {
    throw new MillraceError('MR_CONFIG', `${name} must be a positive number of milliseconds, not ${value}`)
  }
  return value
}
