import { MillraceError } from '../errors/millrace-error.ts'
import type { KafkaOptions } from '../kafka/index.ts'
import { readKafkaProperties, type KafkaSecurity } from './kafka-properties.ts'
import { readSecret, readTextFile, type SecretPlace } from './read-secret.ts'

/** How a command reaches Kafka: the options that every command with `--kafka` has. Secrets are in files. */
export interface KafkaAccess {
  /** Kafka brokers; without them, an embedded log. */
  readonly kafka?: readonly string[]
  readonly kafkaConfig?: string
  readonly kafkaTls?: boolean
  readonly kafkaCa?: string
  readonly kafkaCert?: string
  readonly kafkaKey?: string
  readonly kafkaSasl?: SaslMechanism
  readonly kafkaUser?: string
  readonly kafkaPasswordFile?: string
  readonly kafkaTokenFile?: string
}

export const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const

export type SaslMechanism = (typeof SASL_MECHANISMS)[number]

export const KAFKA_PASSWORD: SecretPlace = { option: '--kafka-password-file', variable: 'MILLRACE_KAFKA_PASSWORD' }
export const KAFKA_TOKEN: SecretPlace = { option: '--kafka-token-file', variable: 'MILLRACE_KAFKA_TOKEN' }

/** Options that say nothing without `--kafka`. */
const NEED_KAFKA = [
  'kafkaConfig',
  'kafkaTls',
  'kafkaCa',
  'kafkaCert',
  'kafkaKey',
  'kafkaSasl',
  'kafkaUser',
  'kafkaPasswordFile',
  'kafkaTokenFile',
] as const satisfies readonly (keyof KafkaAccess)[]

/**
 * Returns the options of `kafka()` that the options of a command say; undefined without `--kafka`.
 *
 * @throws MR_CLI_USAGE for options that do not go together, MR_CLI_SECRET for a file that cannot be read
 */
export function kafkaOptions(access: KafkaAccess): KafkaOptions | undefined {
  const { kafka: brokers } = access
  if (brokers === undefined) {
    const given = NEED_KAFKA.find((name) => access[name] !== undefined)
    if (given === undefined) return undefined
    throw usage(`${flagOf(given)} cannot be used without --kafka`, 'Name the brokers with --kafka HOST:PORT,….')
  }
  const ofFile = access.kafkaConfig === undefined ? {} : readKafkaProperties(access.kafkaConfig)
  return { brokers, ...ofFile, ...tlsOf(access, ofFile), ...saslOf(access) }
}

function tlsOf(access: KafkaAccess, { tls: ofFile }: KafkaSecurity): KafkaSecurity {
  const { kafkaTls, kafkaCa, kafkaCert, kafkaKey } = access
  if ((kafkaCert === undefined) !== (kafkaKey === undefined))
    throw usage('--kafka-cert and --kafka-key go together', 'Give both, or neither.')
  const files = { ca: kafkaCa, cert: kafkaCert, key: kafkaKey }
  const given = Object.entries(files).flatMap(([name, file]) =>
    file === undefined ? [] : [[name, readTextFile(file, `--kafka-${name}`)]],
  )
  if (given.length === 0) return kafkaTls === true && ofFile === undefined ? { tls: true } : {}
  return { tls: { ...(typeof ofFile === 'object' ? ofFile : {}), ...Object.fromEntries(given) } }
}

function saslOf(access: KafkaAccess): KafkaSecurity {
  const { kafkaSasl: mechanism, kafkaUser: username, kafkaPasswordFile, kafkaTokenFile } = access
  const isToken = mechanism === 'OAUTHBEARER'
  const others = {
    ...(isToken ? {} : { kafkaTokenFile }),
    ...(isToken || mechanism === undefined ? { kafkaUser: username, kafkaPasswordFile } : {}),
  }
  const extra = Object.entries(others).find(([, given]) => given !== undefined)?.[0]
  if (extra !== undefined) {
    const kind = mechanism === undefined ? 'without --kafka-sasl' : `with --kafka-sasl ${mechanism}`
    throw usage(`${flagOf(extra)} cannot be used ${kind}`, 'Name the mechanism with --kafka-sasl, as in PLAIN.')
  }
  if (mechanism === undefined) return {}
  if (isToken) {
    const token = required(readSecret(kafkaTokenFile, KAFKA_TOKEN), 'a token', KAFKA_TOKEN)
    // Tokens expire: the file is read again at each login.
    const again = (): string => readSecret(kafkaTokenFile, KAFKA_TOKEN) ?? token
    return { sasl: { mechanism, token: kafkaTokenFile === undefined ? token : again } }
  }
  if (username === undefined)
    throw usage(`--kafka-sasl ${mechanism} needs --kafka-user`, 'Give the name to log in with.')
  const password = required(readSecret(kafkaPasswordFile, KAFKA_PASSWORD), 'a password', KAFKA_PASSWORD)
  return { sasl: { mechanism, username, password } }
}

function required(secret: string | undefined, what: string, { option, variable }: SecretPlace): string {
  if (secret !== undefined) return secret
  throw usage(`--kafka-sasl needs ${what}`, `Give it in a file by ${option} FILE, or in ${variable}.`)
}

function flagOf(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

function usage(message: string, hint: string): MillraceError {
  return new MillraceError('MR_CLI_USAGE', message, { hint })
}
