import { flag, oneOf, option, text, type Place } from '../../options/options.ts'
import { KAFKA } from '../../kafka/cluster/connection-options.ts'
import { variableOf, type CommandOption, type CommandOptions } from './command-option.ts'

export const SASL_MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER'] as const

export type SaslMechanism = (typeof SASL_MECHANISMS)[number]

/** The option that names the brokers. */
export const kafka = {
  ...option<readonly string[]>(
    'HOST:PORT,…',
    {
      defaultText: 'none',
      description: 'Kafka brokers; without them, an embedded log under `--data`',
      kafka: 'bootstrap.servers',
      alsoCalled: ['brokers'],
    },
    readBrokers,
  ),
  value: 'brokers',
}

/** How to reach the brokers and to log in at them: for every command with `--kafka`. */
export const KAFKA_LOGIN = {
  kafkaConfig: {
    ...text({
      defaultText: 'none',
      description: "file of properties as Kafka's tools take it: what it says about TLS and SASL",
    }),
    value: 'file',
  },
  kafkaTls: flag({ default: false, description: "use TLS, and trust the system's authorities" }),
  kafkaCa: {
    ...text({ defaultText: "the system's", description: 'file with the authorities to trust, as PEM; uses TLS' }),
    value: 'file',
  },
  kafkaCert: {
    ...text({ defaultText: 'none', description: 'file with the certificate of this client, as PEM; uses TLS' }),
    value: 'file',
  },
  kafkaKey: { ...text({ defaultText: 'none', description: 'file with the key of --kafka-cert' }), value: 'file' },
  ...secret('kafkaKeyPassphrase', 'passphrase of --kafka-key'),
  kafkaSasl: {
    ...oneOf<SaslMechanism>(SASL_MECHANISMS, { defaultText: 'none', description: 'how to log in' }),
    value: 'mechanism',
  },
  kafkaUser: { ...text({ defaultText: 'none', description: 'name to log in with' }), value: 'name' },
  ...secret('kafkaPassword', 'password'),
  ...secret('kafkaToken', 'token of OAUTHBEARER', ', read at each login'),
  clientId: { ...KAFKA.clientId, value: 'name' },
  connectTimeout: { ...KAFKA.connectTimeout, value: 'time' },
  requestTimeout: { ...KAFKA.requestTimeout, value: 'time' },
  apiTimeout: { ...KAFKA.apiTimeout, value: 'time' },
  compression: { ...KAFKA.compression, value: 'codec' },
  maxRequestSize: { ...KAFKA.maxRequestSize, value: 'size' },
  maxBatchBytes: { ...KAFKA.maxBatchBytes, value: 'size' },
  retryBackoff: { ...KAFKA.retryBackoff, value: 'time' },
  retryBackoffMax: { ...KAFKA.retryBackoffMax, value: 'time' },
} satisfies CommandOptions

/** How an application is a member of its group on Kafka. */
export const GROUP = {
  groupProtocol: {
    ...oneOf<'auto' | 'streams' | 'classic'>(['auto', 'streams', 'classic'], {
      default: 'auto',
      description: 'how the members of a Kafka group share tasks',
      kafka: 'group.protocol',
    }),
    value: 'protocol',
  },
  sessionTimeout: { ...KAFKA.sessionTimeout, value: 'time' },
  heartbeatInterval: { ...KAFKA.heartbeatInterval, value: 'time' },
  transactionTimeout: { ...KAFKA.transactionTimeout, value: 'time' },
} satisfies CommandOptions

/** Names of the settings that are options of `kafka()` of the same name. */
export const OF_KAFKA = [
  'clientId',
  'connectTimeout',
  'requestTimeout',
  'apiTimeout',
  'compression',
  'maxRequestSize',
  'maxBatchBytes',
  'retryBackoff',
  'retryBackoffMax',
  'groupProtocol',
  'sessionTimeout',
  'heartbeatInterval',
  'transactionTimeout',
] as const

type Secret<Name extends string> = {
  readonly [Each in Name]: ReturnType<typeof secretText>
} & { readonly [Each in `${Name}File`]: ReturnType<typeof secretFile> }

/**
 * Makes the two settings of a secret: itself, which stands in an environment variable and nowhere else, and the file
 * that holds it.
 */
export function secret<Name extends string>(name: Name, what: string, more = ''): Secret<Name> {
  return { [name]: secretText(what), [`${name}File`]: secretFile(name, what, more) } as Secret<Name>
}

function secretText(what: string) {
  return { ...text({ defaultText: 'none', secret: true, description: what }), value: 'secret' }
}

function secretFile(name: string, what: string, more: string) {
  return {
    ...text({
      defaultText: `\`${variableOf(name)}\``,
      description: `file with the ${what}${more}; without it, the one in the environment`,
    }),
    value: 'file',
  }
}

/** True for what may stand in no command line and no file of settings. */
export function isSecret(row: CommandOption): boolean {
  return row.secret === true
}

function readBrokers(value: unknown, place: Place): readonly string[] {
  const given: readonly unknown[] = Array.isArray(value) ? value : String(value).split(',')
  const brokers = given.map((each) => String(each).trim())
  for (const broker of brokers) {
    const port = Number(/^(?:\[[0-9a-fA-F:]+\]|[^\s:]+):(\d{1,5})$/.exec(broker)?.[1] ?? 0)
    if (port < 1 || port > 65_535) throw place.refuse(broker, 'Give HOST:PORT, as in localhost:9092.')
  }
  return brokers
}
