import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { dockerAnswers, startContainerBroker } from './container-broker.ts'
import { startJvmBroker } from './jvm-broker.ts'

export interface BrokerOptions {
  /** Kafka's version. Default 4.3.0. */
  readonly version?: string
  /** Broker settings, over those for tests. */
  readonly config?: Readonly<Record<string, string>>
  /** One more listener on a port of the caller's, by its security protocol. */
  readonly listener?: { readonly protocol: 'SSL' | 'SASL_PLAINTEXT'; readonly port: number }
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

async function javaAnswers(): Promise<boolean> {
  try {
    await promisify(execFile)('java', ['-version'])
    return true
  } catch {
    return false
  }
}
