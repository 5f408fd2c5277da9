import { createSecureContext, type ConnectionOptions as TlsOptions } from 'node:tls'
import {
  awaitedFunc,
  oneOf,
  option,
  readMembers,
  type About,
  type Option,
  type Place,
  type TableOf,
} from '../../options/options.ts'

const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512', 'OAUTHBEARER', 'GSSAPI'] as const

/** Text, or a function that returns it. */
type Credential = string | (() => string | Promise<string>)

/** How to log in to a cluster. Functions run at each login. */
export interface SaslOptions {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512' | 'OAUTHBEARER' | 'GSSAPI'
  /** For PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. */
  readonly username?: Credential
  readonly password?: Credential
  /** For OAUTHBEARER. */
  readonly token?: Credential
  /** Extensions of OAUTHBEARER (KIP-342). */
  readonly oauthBearerExtensions?:
    | Readonly<Record<string, string>>
    | (() => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>)
  /** Logs in by itself, as GSSAPI needs it: a `SASLCustomAuthenticator` of `@platformatic/kafka`. */
  readonly authenticate?: (...args: never) => void
  /** Checks the authentication bytes that the broker sends, and calls back with those to go on with. */
  readonly authBytesValidator?: (bytes: Buffer, callback: (error: Error | null, bytes?: Buffer) => void) => void
}

/** Options of `sasl`. Their values are never shown. */
export const SASL = {
  mechanism: oneOf(MECHANISMS, { required: true, description: 'how to log in', kafka: 'sasl.mechanism' }),
  username: credential({ description: 'name, or a function that returns it', alsoCalled: ['user'] }),
  password: credential({ description: 'password, or a function that returns it', alsoCalled: ['pass'] }),
  token: credential({ description: 'token of OAUTHBEARER, or a function that returns it' }),
  oauthBearerExtensions: option<NonNullable<SaslOptions['oauthBearerExtensions']>>(
    'object, function',
    { description: 'extensions of OAUTHBEARER (KIP-342)', secret: true },
    (value, place) => {
      if ((typeof value === 'object' && value !== null && !Array.isArray(value)) || typeof value === 'function') {
        return value as NonNullable<SaslOptions['oauthBearerExtensions']>
      }
      throw place.refuse(value, 'Give an object of text, or a function that returns one.')
    },
  ),
  authenticate: awaitedFunc<NonNullable<SaslOptions['authenticate']>>({ description: 'logs in by itself: for GSSAPI' }),
  authBytesValidator: awaitedFunc<NonNullable<SaslOptions['authBytesValidator']>>({
    description: 'checks the authentication bytes that the broker sends',
  }),
} satisfies TableOf<SaslOptions>

/** Options of `sasl` that each mechanism requires. */
const NEEDED: Readonly<Record<(typeof MECHANISMS)[number], readonly ('username' | 'password' | 'token')[]>> = {
  PLAIN: ['username', 'password'],
  'SCRAM-SHA-256': ['username', 'password'],
  'SCRAM-SHA-512': ['username', 'password'],
  OAUTHBEARER: ['token'],
  GSSAPI: [],
}

function credential(about: About<Credential>): Option<Credential | undefined> {
  return option<Credential>('text, function', { ...about, secret: true }, (value, place) => {
    if (typeof value === 'function') return value as Credential
    if (typeof value === 'string' && value !== '') return value
    throw place.refuse(value, 'Give text that is not empty, or a function that returns it.')
  })
}

/** Reads `sasl`. An option that the mechanism needs is required now: its absence would only fail the first login. */
export function readSasl(value: unknown, place: Place): SaslOptions {
  const values = readMembers(SASL, value, place)
  const { mechanism, authenticate } = values
  if (authenticate === undefined) {
    for (const name of NEEDED[mechanism]) {
      if (values[name] === undefined)
        throw place.inner(`.${name}`).missing(`${mechanism} needs ${NEEDED[mechanism].join(' and ')}.`)
    }
    if (mechanism === 'GSSAPI') throw place.inner('.authenticate').missing('GSSAPI needs a function that logs in.')
  }
  const given: object = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
  return { mechanism, ...given }
}

const OF_NODE: Option<unknown> = option('', { description: 'an option of `node:tls`' }, (value) => value)

/** Names of the options of `node:tls`. A misspelt one would leave the connection less safe than it was meant to be. */
const TLS = {
  rejectUnauthorized: option('`true` or `false`', { description: 'an option of `node:tls`' }, (value, place) => {
    if (typeof value === 'boolean') return value
    throw place.refuse(value, 'Give true or false.')
  }),
  ALPNCallback: OF_NODE,
  ALPNProtocols: OF_NODE,
  SNICallback: OF_NODE,
  allowPartialTrustChain: OF_NODE,
  ca: OF_NODE,
  cert: OF_NODE,
  certificateCompression: OF_NODE,
  checkServerIdentity: OF_NODE,
  ciphers: OF_NODE,
  clientCertEngine: OF_NODE,
  crl: OF_NODE,
  dhparam: OF_NODE,
  ecdhCurve: OF_NODE,
  enableTrace: OF_NODE,
  honorCipherOrder: OF_NODE,
  host: OF_NODE,
  key: OF_NODE,
  lookup: OF_NODE,
  maxVersion: OF_NODE,
  minDHSize: OF_NODE,
  minVersion: OF_NODE,
  passphrase: OF_NODE,
  path: OF_NODE,
  pfx: OF_NODE,
  port: OF_NODE,
  privateKeyEngine: OF_NODE,
  privateKeyIdentifier: OF_NODE,
  pskCallback: OF_NODE,
  requestCert: OF_NODE,
  requestOCSP: OF_NODE,
  secureContext: OF_NODE,
  secureOptions: OF_NODE,
  secureProtocol: OF_NODE,
  servername: OF_NODE,
  session: OF_NODE,
  sessionIdContext: OF_NODE,
  sessionTimeout: OF_NODE,
  sigalgs: OF_NODE,
  socket: OF_NODE,
  ticketKeys: OF_NODE,
  timeout: OF_NODE,
} satisfies TableOf<TlsOptions>

/**
 * Reads `true`, `false` or options of `node:tls`. It checks their names, and Node their values: certificates and keys
 * are read now instead of at the first connection.
 */
export function readTls(value: unknown, place: Place): TlsOptions | undefined {
  if (value === true) return {}
  if (value === false) return undefined
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw place.refuse(value, 'Give true, false, or options of node:tls, as in { ca: readFileSync(…) }.')
  }
  readMembers(TLS, value, place)
  requireVersions(value, place)
  try {
    createSecureContext(value)
  } catch (cause) {
    throw place.refuse(value, `Node refuses it: ${cause instanceof Error ? cause.message : String(cause)}`, cause)
  }
  return value
}

/** Refuses bounds with no version between them. Node accepts them, and then every handshake fails. */
function requireVersions({ minVersion, maxVersion }: TlsOptions, place: Place): void {
  const [least, most] = [minVersion, maxVersion].map((version) => TLS_VERSIONS.indexOf(version ?? ''))
  if (least === -1 || most === -1 || least! <= most!) return
  const inner = place.inner('.minVersion')
  throw inner.error(
    `${inner.text} is ${minVersion}, later than maxVersion, which is ${maxVersion}`,
    'Lower minVersion, or raise maxVersion.',
  )
}

const TLS_VERSIONS: readonly string[] = ['TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']
