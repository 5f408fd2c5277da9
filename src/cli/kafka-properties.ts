import type { KafkaOptions } from '../kafka/index.ts'
import { readTextFile, secretError } from './read-secret.ts'

/** The part of `KafkaOptions` that says how to log in. */
export type KafkaSecurity = Pick<KafkaOptions, 'tls' | 'sasl'>

type Mechanism = NonNullable<KafkaOptions['sasl']>['mechanism']

/** Properties that are understood. Others of TLS and SASL are refused: the login might be less safe than meant. */
const UNDERSTOOD: ReadonlySet<string> = new Set([
  'security.protocol',
  'sasl.mechanism',
  'sasl.jaas.config',
  'ssl.truststore.type',
  'ssl.truststore.location',
  'ssl.truststore.certificates',
  'ssl.keystore.type',
  'ssl.keystore.location',
  'ssl.keystore.key',
  'ssl.keystore.certificate.chain',
  'ssl.key.password',
  'ssl.endpoint.identification.algorithm',
  'ssl.protocol',
  'ssl.enabled.protocols',
])

const PROTOCOLS = ['PLAINTEXT', 'SSL', 'SASL_PLAINTEXT', 'SASL_SSL']
const MECHANISMS: readonly string[] = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']

/**
 * Reads a file of properties as Kafka's tools take it by `--command-config`: what it says about TLS and SASL. Settings
 * of other things are left to the tools that know them.
 *
 * @throws MR_CLI_SECRET for a file that cannot be read, and for a setting of TLS or SASL that is not understood
 */
export function readKafkaProperties(file: string): KafkaSecurity {
  const text = readTextFile(file, '--kafka-config')
  const properties = parseProperties(text)
  for (const name of properties.keys()) {
    if (/^(?:ssl|sasl|security)\./.test(name) && !UNDERSTOOD.has(name))
      throw refused(file, `has ${name}, which is not understood`, 'Leave it out, or use the options --kafka-….')
  }
  const protocol = properties.get('security.protocol')?.toUpperCase() ?? 'PLAINTEXT'
  if (!PROTOCOLS.includes(protocol))
    throw refused(file, 'has a security.protocol that there is not', `It is one of ${PROTOCOLS.join(', ')}.`)
  const tls = protocol.endsWith('SSL') ? { tls: tlsOf(file, properties) } : {}
  return protocol.startsWith('SASL') ? { ...tls, sasl: saslOf(file, properties) } : tls
}

function tlsOf(file: string, properties: ReadonlyMap<string, string>): NonNullable<KafkaOptions['tls']> {
  const stores = ['truststore', 'keystore'] as const
  for (const store of stores) {
    const type = properties.get(`ssl.${store}.type`)?.toUpperCase() ?? 'JKS'
    const isGiven = [...properties.keys()].some((name) => name.startsWith(`ssl.${store}.`))
    if (isGiven && type !== 'PEM')
      throw refused(
        file,
        `has a ${store} of the type ${type}`,
        'Convert it to PEM: keytool -exportcert -rfc, or openssl.',
      )
  }
  const pem = (place: string, inline: string): string | undefined => {
    const location = properties.get(place)
    return location === undefined ? properties.get(inline) : readTextFile(location, place)
  }
  const ca = pem('ssl.truststore.location', 'ssl.truststore.certificates')
  const cert = pem('ssl.keystore.location', 'ssl.keystore.certificate.chain')
  const key = pem('ssl.keystore.location', 'ssl.keystore.key')
  const passphrase = properties.get('ssl.key.password')
  return {
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(passphrase === undefined ? {} : { passphrase }),
    // An empty algorithm is Kafka's way to leave the name of the host unchecked.
    ...(properties.get('ssl.endpoint.identification.algorithm') === '' ? { checkServerIdentity: () => undefined } : {}),
  }
}

function saslOf(file: string, properties: ReadonlyMap<string, string>): NonNullable<KafkaOptions['sasl']> {
  const mechanism = properties.get('sasl.mechanism') ?? ''
  if (!MECHANISMS.includes(mechanism))
    throw refused(file, 'has a sasl.mechanism that is not understood', `It is one of ${MECHANISMS.join(', ')}.`)
  const jaas = properties.get('sasl.jaas.config') ?? ''
  const [username, password] = ['username', 'password'].map((name) => jaasOption(jaas, name))
  if (username === undefined || password === undefined)
    throw refused(file, 'has no name and password in sasl.jaas.config', 'Write username="…" password="…" there.')
  return { mechanism: mechanism as Mechanism, username, password }
}

/** Returns an option of a login module: `username="paula"`. */
function jaasOption(jaas: string, name: string): string | undefined {
  const match = new RegExp(String.raw`\b${name}\s*=\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s;"']+))`).exec(
    jaas,
  )
  return (match?.[1] ?? match?.[2] ?? match?.[3])?.replaceAll(/\\(.)/g, '$1')
}

/** Reads the format of `java.util.Properties`: comments, lines that go on after a backslash, escapes. */
function parseProperties(text: string): ReadonlyMap<string, string> {
  const properties = new Map<string, string>()
  const whole = text.replaceAll(/^[ \t]*[#!].*$/gm, '').replaceAll(/(?<!\\)((?:\\\\)*)\\\r?\n[ \t]*/g, '$1')
  for (const line of whole.split(/\r?\n/)) {
    const match = /^\s*((?:\\.|[^\s\\=:])+)\s*[=:\s]?\s*(.*)$/.exec(line)
    if (match !== null) properties.set(unescaped(match[1] ?? ''), unescaped(match[2] ?? '').trimEnd())
  }
  return properties
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f' }

function unescaped(text: string): string {
  return text.replaceAll(/\\(?:u([0-9a-fA-F]{4})|(.))/g, (_all, hex?: string, letter = '') =>
    hex === undefined ? (ESCAPES[letter] ?? letter) : String.fromCharCode(Number.parseInt(hex, 16)),
  )
}

function refused(file: string, what: string, hint: string): Error {
  return secretError(`the file ${file} of --kafka-config ${what}`, hint)
}
