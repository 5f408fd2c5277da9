import type { RequestCounts } from './request-counts.ts'
import type { ConnectionOptions as TlsOptions } from 'node:tls'
import { MillraceError } from '../../errors/millrace-error.ts'
import {
  byteSize,
  duration,
  INT32_MAX,
  oneOf,
  option,
  Place,
  readOptions,
  text,
  type ByteSize,
  type Duration,
  type TableOf,
  type Values,
} from '../../options/options.ts'
import type { Clock } from '../../platform/clock.ts'
import { clockOption } from '../../options/clock-option.ts'
import { compressions, MAX_BATCH_BYTES, type Compression } from '../records/codecs.ts'
import { readSasl, readTls, SASL, type SaslOptions } from './security-options.ts'

/** Options of `kafka`: how to reach a Kafka cluster. Times are milliseconds or text: `'10s'`. */
export interface KafkaOptions {
  /** Bootstrap brokers: `'host:port,host:port'` or a list of them. One that responds is enough. */
  readonly brokers: string | readonly string[]
  /** Name shown in the broker's logs and quotas. Default `millrace`. */
  readonly clientId?: string
  /** TLS; `true` trusts the system's certificate authorities. */
  readonly tls?: boolean | TlsOptions
  /** SASL mechanism (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER) and credentials. Functions run at each login. */
  readonly sasl?: SaslOptions
  /** Time to wait for a connection to open. Default 10 s, as `socket.connection.setup.timeout.ms`. */
  readonly connectTimeout?: Duration
  /** Time to wait for a response. Default 30 s, as `request.timeout.ms`. */
  readonly requestTimeout?: Duration
  /** Time for which a call is repeated, on any broker, before it fails. Default 60 s, as `default.api.timeout.ms`. */
  readonly apiTimeout?: Duration
  /**
   * Time after which the coordinator aborts a transaction that was not ended, so that readers of committed records can
   * go on after a client died. Must be longer than the commit interval. Default 10 s, as Kafka Streams sets
   * `transaction.timeout.ms`.
   */
  readonly transactionTimeout?: Duration
  /**
   * Protocol by which stream threads share their tasks. `streams`: the brokers assign them (KIP-1071; Apache Kafka 4.2
   * or later with the feature `streams.version`). `classic`: a member assigns them, on any broker from 3.5. Default
   * `auto`: `streams` where the brokers have it and no members of a classic group are alive, else `classic`. A group
   * changes from one to the other, with its offsets, when all of its members have stopped.
   */
  readonly groupProtocol?: 'auto' | 'streams' | 'classic'
  /**
   * Time without a heartbeat after which a member of a classic group counts as dead. Default 45 s, as
   * `session.timeout.ms`. For streams groups the brokers have their own setting.
   */
  readonly sessionTimeout?: Duration
  /**
   * Time between two heartbeats of a member of a classic group. Must be shorter than `sessionTimeout`. Default 3 s, as
   * `heartbeat.interval.ms`, or a third of `sessionTimeout` if that is shorter.
   */
  readonly heartbeatInterval?: Duration
  /** Compression of written records: costs CPU, saves network and disk. Default `'none'`, as `compression.type`. */
  readonly compression?: Compression
  /**
   * The largest batch that is sent, compressed, in bytes or as text: `'4MiB'`. A record that needs a larger one is not
   * sent but refused, and `onProductionError` decides. A topic accepts no more than its `max.message.bytes` (1 MiB by
   * default) either. Default 99 MiB, as brokers accept requests of 100 MiB (`socket.request.max.bytes`). The default of
   * Kafka's own producer (`max.request.size`) is 1 MiB.
   */
  readonly maxRequestSize?: ByteSize
  /**
   * Bytes that a compressed batch may unpack to, as a few kilobytes can stand for gigabytes. A larger batch is
   * MR_BATCH_TOO_LARGE. Default 256 MiB.
   */
  readonly maxBatchBytes?: ByteSize
  /** First pause between two attempts, at most `retryBackoffMax`. Default 50 ms, or `retryBackoffMax` if shorter. */
  readonly retryBackoff?: Duration
  /** Longest pause between two attempts. Default 1 s. */
  readonly retryBackoffMax?: Duration
  /** Time and timers, for tests. Default: the machine's. */
  readonly clock?: Clock
}

export interface BrokerAddress {
  readonly host: string
  readonly port: number
}

/** More than nothing, and no more than a 32-bit field of the protocol holds. */
const INT32 = { least: 1, most: INT32_MAX }

/** Table of the options of `kafka`. */
export const KAFKA = {
  brokers: option<readonly BrokerAddress[]>(
    "text: `'host:port,host:port'`, or a list",
    {
      required: true,
      description: 'bootstrap brokers; one that responds is enough',
      kafka: 'bootstrap.servers',
      alsoCalled: ['bootstrapBrokers'],
    },
    readBrokers,
  ),
  clientId: text({ default: 'millrace', description: "name in the brokers' logs and quotas", kafka: 'client.id' }),
  tls: option<TlsOptions | undefined>(
    '`true`, `false`, options of `node:tls`',
    {
      defaultText: 'off',
      description: "`true` trusts the system's certificate authorities",
      secret: true,
      kafka: 'security.protocol',
      alsoCalled: ['ssl'],
    },
    readTls,
  ),
  sasl: option<SaslOptions>(
    `\`{ ${Object.keys(SASL).join(', ')} }\``,
    {
      defaultText: 'off',
      description:
        'how to log in: `mechanism` is PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 (with `username`, `password`), ' +
        'OAUTHBEARER (with `token`), or GSSAPI (with a function `authenticate`). Functions run at every login',
      secret: true,
      kafka: 'sasl.jaas.config',
    },
    readSasl,
  ),
  connectTimeout: duration({
    ...INT32,
    default: 10_000,
    description: 'time to wait for a connection to open',
    kafka: 'socket.connection.setup.timeout.ms',
    alsoCalled: ['connectionTimeout'],
  }),
  requestTimeout: duration({
    ...INT32,
    default: 30_000,
    description: 'time to wait for a response',
    kafka: 'request.timeout.ms',
  }),
  apiTimeout: duration({
    ...INT32,
    default: 60_000,
    description: 'time for which a call is repeated, on any broker, before it fails',
    kafka: 'default.api.timeout.ms',
  }),
  transactionTimeout: duration({
    ...INT32,
    default: 10_000,
    description:
      'time after which the coordinator aborts a transaction that was not ended; longer than `commitInterval`',
    kafka: 'transaction.timeout.ms',
  }),
  groupProtocol: oneOf<'auto' | 'streams' | 'classic'>(['auto', 'streams', 'classic'], {
    default: 'auto',
    description:
      "`'streams'`: the brokers assign tasks; `'classic'`: a member does; see [groups](#groups-scaling-out-and-in)",
    kafka: 'group.protocol',
  }),
  sessionTimeout: duration({
    ...INT32,
    default: 45_000,
    description: 'classic groups: time without a heartbeat after which a member counts as dead',
    kafka: 'session.timeout.ms',
  }),
  heartbeatInterval: duration({
    ...INT32,
    default: 3000,
    defaultText: '`3000`, at most a third of `sessionTimeout`',
    description: 'classic groups: time between two heartbeats; shorter than `sessionTimeout`',
    kafka: 'heartbeat.interval.ms',
  }),
  compression: oneOf<Compression>(compressions, {
    default: 'none',
    description: 'compression of written records: costs CPU, saves network and disk',
    kafka: 'compression.type',
  }),
  maxRequestSize: byteSize({
    ...INT32,
    default: 99 << 20,
    defaultText: '99 MiB',
    description:
      'the largest batch that is sent; a record that needs a larger one is refused, and ' +
      '[`onProductionError`](errors.md#records-that-are-refused) decides. Brokers accept requests of 100 MiB',
    kafka: 'max.request.size',
  }),
  maxBatchBytes: byteSize({
    ...INT32,
    default: MAX_BATCH_BYTES,
    description: 'bytes that a compressed batch may unpack to; more is `MR_BATCH_TOO_LARGE`',
  }),
  retryBackoff: duration({
    ...INT32,
    default: 50,
    description: 'first pause between two attempts; at most `retryBackoffMax`',
    kafka: 'retry.backoff.ms',
  }),
  retryBackoffMax: duration({
    ...INT32,
    default: 1000,
    description: 'longest pause between two attempts',
    kafka: 'retry.backoff.max.ms',
  }),
  clock: clockOption,
} satisfies TableOf<KafkaOptions>

/** `KafkaOptions` after they are read: checked, times in ms, every default filled in. */
export type ClusterOptions = Values<typeof KAFKA> & {
  /** Counts the requests of the log that the connection belongs to. */
  readonly requests?: RequestCounts
}

/** Reads the options of `kafka`. @throws MR_CONFIG that names the option, or the two that contradict each other */
export function clusterOptions(options: KafkaOptions): ClusterOptions {
  const read = readOptions(KAFKA, options, 'kafka()')
  const { sessionTimeout, retryBackoffMax } = read
  const ofSession = Math.min(read.heartbeatInterval, Math.ceil(sessionTimeout / 3))
  const heartbeatInterval = options.heartbeatInterval === undefined ? ofSession : read.heartbeatInterval
  const retryBackoff =
    options.retryBackoff === undefined ? Math.min(read.retryBackoff, retryBackoffMax) : read.retryBackoff
  if (heartbeatInterval >= sessionTimeout) {
    throw contradiction(
      'heartbeatInterval',
      `is ${heartbeatInterval} ms, not shorter than sessionTimeout, which is ${sessionTimeout} ms`,
      'Give at most a third of sessionTimeout: a member whose heartbeat comes too late counts as dead.',
    )
  }
  if (retryBackoff > retryBackoffMax) {
    throw contradiction(
      'retryBackoff',
      `is ${retryBackoff} ms, longer than retryBackoffMax, which is ${retryBackoffMax} ms`,
      'Shorten the first pause, or raise retryBackoffMax.',
    )
  }
  return { ...read, heartbeatInterval, retryBackoff }
}

function contradiction(name: keyof typeof KAFKA, what: string, hint: string): MillraceError {
  const place = new Place('kafka()', name, KAFKA[name])
  return place.error(`${place.text} ${what}`, hint)
}

function readBrokers(value: unknown, place: Place): readonly BrokerAddress[] {
  const list: readonly unknown[] = typeof value === 'string' ? value.split(',') : Array.isArray(value) ? value : [value]
  const brokers: BrokerAddress[] = []
  for (const entry of list) {
    if (typeof entry !== 'string') throw place.refuse(entry, "Give 'host:port,host:port', or a list of 'host:port'.")
    if (entry.trim() !== '') brokers.push(brokerAddress(entry.trim()))
  }
  if (brokers.length > 0) return brokers
  throw new MillraceError('MR_CONFIG', 'kafka(): brokers is empty', {
    hint: "Name at least one broker, such as 'localhost:9092'.",
  })
}

function brokerAddress(text: string): BrokerAddress {
  const match = /^(?:\[(?<ip6>[^\]]+)\]|(?<host>[^:\s]+)):(?<port>\d{1,5})$/.exec(text)
  const host = match?.groups?.['ip6'] ?? match?.groups?.['host']
  const port = Number(match?.groups?.['port'])
  if (host === undefined || !(port > 0 && port < 65_536)) {
    // An address with a user name may hold the password too.
    const shown = text.replace(/^.*@/, '…@')
    throw new MillraceError('MR_CONFIG', `brokers: '${shown}' is not host:port`, {
      hint: "Write a broker as 'localhost:9092'.",
    })
  }
  return { host, port }
}
