import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { dockerAnswers, startContainerBroker } from './container-broker.ts'
import { startJvmBroker, startJvmCluster } from './jvm-broker.ts'

/** One more listener, on a port of the caller's. */
export interface ExtraListener {
  readonly protocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
  readonly port: number
  /** Where clients that came by this listener are sent, such as a proxy in front of it. Default: the port itself. */
  readonly advertisedPort?: number
}

interface AnyBrokerOptions {
  /** Kafka's version. Default 4.3.0. */
  readonly version?: string
  /** Broker settings, over those for tests. */
  readonly config?: Readonly<Record<string, string>>
}

export interface BrokerOptions extends AnyBrokerOptions {
  readonly listener?: ExtraListener
}

export interface ClusterOptions extends AnyBrokerOptions {
  /** How many brokers; topics have a replica on each. */
  readonly size: number
  /** By broker, the first one first. */
  readonly listeners?: readonly ExtraListener[]
}

/** One of the brokers of a cluster. */
export interface PrivateNode {
  readonly id: number
  /** Starts it again, with its data, at the same address; resolves when the cluster has taken it in. */
  start(): Promise<void>
  /** Ends it in an orderly way; data stay. */
  shutDown(): Promise<void>
  /** Ends it at once; data stay. */
  kill(): Promise<void>
}

/** A cluster of one's own. */
export interface PrivateCluster {
  /** Bootstrap addresses, `host:port,host:port`. */
  readonly brokers: string
  readonly nodes: readonly PrivateNode[]
  /** Ends it for good and removes its data. */
  stop(): Promise<void>
}

/** A broker of one's own, to be stopped and started at will. */
export interface PrivateBroker {
  /** Bootstrap address, `host:port`. */
  readonly brokers: string
  /** Starts it again, with its data, at the same address; resolves when it answers. */
  start(): Promise<void>
  /** Ends it in an orderly way; data stay. */
  shutDown(): Promise<void>
  /** Ends it at once; data stay. */
  kill(): Promise<void>
  /** Ends it for good and removes its data. */
  stop(): Promise<void>
}

/** Starts a broker for one test file: in a container where Docker answers, else in a JVM with jars from Maven Central. */
export async function startBroker(options: BrokerOptions = {}): Promise<PrivateBroker> {
  if (await dockerAnswers()) return startContainerBroker(options)
  if (await javaAnswers()) return startJvmBroker(options)
  throw new Error(
    'These tests need a Kafka broker. Set MILLRACE_KAFKA=host:port, or start Docker, or install Java 17 and Maven ' +
      '(the broker is then downloaded from Maven Central once).',
  )
}

/** Starts a cluster for one test file, in JVMs: replicas on every broker, of which a majority must be in sync. */
export async function startCluster(options: ClusterOptions): Promise<PrivateCluster> {
  if (await javaAnswers()) return startJvmCluster(options)
  throw new Error('These tests need a Kafka cluster of their own: install Java 17 and Maven.')
}

async function javaAnswers(): Promise<boolean> {
  try {
    await promisify(execFile)('java', ['-version'])
    return true
  } catch {
    return false
  }
}
