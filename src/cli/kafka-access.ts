import { expiredOn } from '../credentials/certificate-dates.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import type { KafkaOptions } from '../kafka/index.ts'
import { readKafkaProperties, type KafkaSecurity } from './kafka-properties.ts'
import { readSecret, readTextFile, type SecretPlace } from './read-secret.ts'
import { flagOf, usageError, variableOf, type CommandValues } from './settings/command-option.ts'
import { GROUP, KAFKA_LOGIN, OF_KAFKA } from './settings/connection-settings.ts'

/** How a command reaches Kafka: the options that every command with `--kafka` has. Secrets are in files. */
export interface KafkaAccess extends CommandValues<typeof KAFKA_LOGIN> {
  /** Kafka brokers; without them, an embedded log. */
  readonly kafka?: readonly string[]
}

/** The same with what only applications need, and with the way in which it was given. */
export type KafkaGiven = KafkaAccess &
  CommandValues<typeof GROUP> & {
    /** Names an option as it was given: by its flag, or by the environment variable. */
    readonly nameOf?: (name: string) => string
  }

/** Options that say nothing without `--kafka`. */
const NEED_KAFKA = Object.keys({ ...KAFKA_LOGIN, ...GROUP }).filter(
  // A secret that is in the environment of every process is not meant for this one.
  (name) => name !== 'kafkaPassword' && name !== 'kafkaToken' && name !== 'kafkaKeyPassphrase',
) as readonly (keyof KafkaGiven)[]

/**
 * Returns the options of `kafka()` that the options of a command say; undefined without `--kafka`.
 *
 * @param base options of a log that the application has, over which those of the command are laid
 * @throws MR_CLI_USAGE for options that do not go together, MR_CLI_SECRET for a file that cannot be read
 */
export function kafkaOptions(access: KafkaGiven, base?: KafkaOptions): KafkaOptions | undefined {
  const { kafka: brokers = base?.brokers } = access
  if (brokers === undefined) {
    const given = NEED_KAFKA.find((name) => access[name] !== undefined)
    if (given === undefined) return undefined
    const name = named(access, given)
    throw usageError(`${name} cannot be used without --kafka`, 'Name the brokers with --kafka HOST:PORT,….')
  }
  const ofFile = access.kafkaConfig === undefined ? {} : readKafkaProperties(access.kafkaConfig)
  const given = { ...base, ...ofFile }
  return { ...given, brokers, ...tlsOf(access, given), ...saslOf(access), ...plainOf(access) }
}

/** Returns the options that `kafka()` has under the same names. */
function plainOf(access: KafkaGiven): Partial<KafkaOptions> {
  return Object.fromEntries(OF_KAFKA.filter((name) => access[name] !== undefined).map((name) => [name, access[name]]))
}

function tlsOf(access: KafkaGiven, { tls: before }: KafkaSecurity): KafkaSecurity {
  const { kafkaTls, kafkaCa, kafkaCert, kafkaKey, kafkaKeyPassphraseFile } = access
  if ((kafkaCert === undefined) !== (kafkaKey === undefined)) {
    const [one, other] = kafkaCert === undefined ? ['kafkaKey', 'kafkaCert'] : ['kafkaCert', 'kafkaKey']
    throw usageError(`${named(access, one!)} cannot be used without ${flagOf(other!)}`, 'Give both, or neither.')
  }
  const files = { ca: kafkaCa, cert: kafkaCert, key: kafkaKey }
  const given = Object.entries(files).flatMap(([name, file]) =>
    file === undefined
      ? []
      : [[name, readTextFile(file, named(access, `kafka${name[0]!.toUpperCase()}${name.slice(1)}`))]],
  )
  const cert = given.find(([name]) => name === 'cert')?.[1]
  const expired = cert === undefined ? undefined : expiredOn(cert)
  if (expired !== undefined) {
    const what = `the certificate ${kafkaCert} of ${named(access, 'kafkaCert')}`
    throw new MillraceError('MR_LOG_CERTIFICATE', `${what} has expired: it was valid until ${expired}`, {
      hint: 'Renew it, and name the file of the new one.',
    })
  }
  const passphrase =
    kafkaKey === undefined ? undefined : readSecret(kafkaKeyPassphraseFile, placeOf(access, 'kafkaKeyPassphrase'))
  if (passphrase !== undefined) given.push(['passphrase', passphrase])
  if (given.length > 0) return { tls: { ...(typeof before === 'object' ? before : {}), ...Object.fromEntries(given) } }
  if (kafkaTls === undefined) return {}
  return { tls: kafkaTls && typeof before === 'object' ? before : kafkaTls }
}

function saslOf(access: KafkaGiven): KafkaSecurity {
  const { kafkaSasl: mechanism, kafkaUser: username, kafkaPasswordFile, kafkaTokenFile } = access
  const isToken = mechanism === 'OAUTHBEARER'
  const others = {
    ...(isToken ? {} : { kafkaTokenFile }),
    ...(isToken || mechanism === undefined ? { kafkaUser: username, kafkaPasswordFile } : {}),
  }
  const extra = Object.entries(others).find(([, given]) => given !== undefined)?.[0]
  if (extra !== undefined) {
    const kind = mechanism === undefined ? 'without --kafka-sasl' : `with --kafka-sasl ${mechanism}`
    const name = named(access, extra)
    throw usageError(`${name} cannot be used ${kind}`, 'Name the mechanism with --kafka-sasl, as in PLAIN.')
  }
  if (mechanism === undefined) return {}
  if (isToken) {
    const place = placeOf(access, 'kafkaToken')
    const token = required(readSecret(kafkaTokenFile, place), 'a token', place)
    // Tokens expire: the file is read again at each login.
    const again = (): string => readSecret(kafkaTokenFile, place) ?? token
    return { sasl: { mechanism, token: kafkaTokenFile === undefined ? token : again } }
  }
  if (username === undefined)
    throw usageError(`${named(access, 'kafkaSasl')} ${mechanism} needs --kafka-user`, 'Give the name to log in with.')
  const place = placeOf(access, 'kafkaPassword')
  return {
    sasl: { mechanism, username, password: required(readSecret(kafkaPasswordFile, place), 'a password', place) },
  }
}

function required(secret: string | undefined, what: string, { option, variable }: SecretPlace): string {
  if (secret !== undefined) return secret
  throw usageError(`--kafka-sasl needs ${what}`, `Give it in a file by ${option} FILE, or in ${variable}.`)
}

function placeOf(access: KafkaGiven, secret: string): SecretPlace {
  return { option: named(access, `${secret}File`), variable: variableOf(secret) }
}

function named({ nameOf = flagOf }: KafkaGiven, name: string): string {
  return nameOf(name)
}
