import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { dockerAnswers, startContainerBroker } from './container-broker.ts'
import { startJvmBroker, startJvmCluster } from './jvm-broker.ts'

/** A second listener, on a port that the caller chooses. */
export interface ExtraListener {
  readonly protocol: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
  readonly port: number
  /** Port to which the listener sends its clients, such as that of a proxy. Default: the port itself. */
  readonly advertisedPort?: number
}

interface AnyBrokerOptions {
  /** Version of Kafka. Default 4.3.0. */
  readonly version?: string
  /** Broker settings that override those for tests. */
  readonly config?: Readonly<Record<string, string>>
}

export interface BrokerOptions extends AnyBrokerOptions {
  readonly listener?: ExtraListener
}

export interface ClusterOptions extends AnyBrokerOptions {
  /** Number of brokers; topics have a replica on each. */
  readonly size: number
  /** Listeners by broker, in order. */
  readonly listeners?: readonly ExtraListener[]
}

/** One of the brokers of a cluster. */
export interface PrivateNode {
  readonly id: number
  /** Starts it again, with its data, at the same address; resolves when the cluster has accepted it. */
  start(): Promise<void>
  /** Ends it in an orderly way; data stay. */
  shutDown(): Promise<void>
  /** Ends it at once; data stay. */
  kill(): Promise<void>
}

/** A cluster for one test file. */
export interface PrivateCluster {
  /** Bootstrap addresses, `host:port,host:port`. */
  readonly brokers: string
  readonly nodes: readonly PrivateNode[]
  /** Ends it for good and removes its data. */
  stop(): Promise<void>
}

/** A broker for one test file, which can stop and start it. */
export interface PrivateBroker {
  /** Bootstrap address, `host:port`. */
  readonly brokers: string
  /** Starts it again, with its data, at the same address; resolves when it responds. */
  start(): Promise<void>
  /** Ends it in an orderly way; data stay. */
  shutDown(): Promise<void>
  /** Ends it at once; data stay. */
  kill(): Promise<void>
  /** Ends it for good and removes its data. */
  stop(): Promise<void>
}

/** Starts a broker for one test file: in a container where Docker runs, else in a JVM with jars of Maven Central. */
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
