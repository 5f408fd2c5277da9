import {
  byteSize,
  flag,
  oneOf,
  option,
  readListenAddress,
  readMembers,
  text,
  wholeNumber,
  type ByteSize,
  type ListenAddress,
  type Option,
  type Place,
  type TableOf,
  type Values,
} from '../options/options.ts'
import { ROLES, type ServerRole } from './access/role.ts'
import { isToken, TOKEN_HINT } from '../credentials/token.ts'
import type { TokenOptions, TokenSource } from './access/tokens.ts'

/** The options of `serve`: where it listens, who may ask, and how much. */
export interface ServerOptions {
  /**
   * Port, or `HOST:PORT`, to listen on. A port alone is one of this machine's loopback address; port 0 is any that is
   * free; `'none'` opens no socket, for servers that are only called by `fetch`. Default: `'8080'`.
   */
  readonly listen?: string | number
  /**
   * Tokens of those who may ask, or `'none'`: everybody may. By default only requests on the loopback address may read.
   * On a wider address, and by `fetch`, only probes and metrics answer then.
   */
  readonly auth?: 'none' | { readonly tokens: readonly ServerToken[] }
  /**
   * PEM files of TLS: the server's certificate and its key, and the authorities whose certificates instances of the
   * application are known by. They are read again when they change. Default: none, and connections are plain.
   */
  readonly tls?: ServerTls
  /**
   * Names by which a server without tokens may be called, besides addresses and `localhost`. Others are refused, so
   * that no web page can reach the server under a name of its own (DNS rebinding). Default: none.
   */
  readonly hosts?: readonly string[]
  /** Origins of web pages that may read and write, such as `https://board.example.com`. Default: none. */
  readonly cors?: readonly string[]
  /**
   * True: dead letters can be read and replayed, by tokens with the role `dead-letters` and by nobody else, unless
   * `auth` is `'none'`. The application must have a `deadLetterTopic`. Default: false.
   */
  readonly deadLetters?: boolean
  /**
   * Pages of your own, by name: `{ map: 'dist/map' }` shows the files of that directory at `/map/`, `index.html` first.
   * They are sent to everybody, ask this server and no other, and are read once, when it starts. Default: none.
   */
  readonly pages?: Readonly<Record<string, string>>
  /**
   * Topics that may be written through HTTP by tokens with the role `write`, and without tokens by every program of
   * this machine. Tokens with the role `topics.write` may write all topics but internal ones. Default: none.
   */
  readonly writableTopics?: readonly string[]
  /** How much a request may be, and how many there may be. */
  readonly limits?: ServerLimits
}

/** A bearer token and what it allows: the token, its SHA-256 in hex, a file of tokens, or an environment variable. */
export type ServerToken = { readonly role: ServerRole } & (
  | { readonly token: string }
  | { readonly sha256: string }
  | { readonly file: string }
  | { readonly env: string }
)

/** Paths of PEM files. */
export interface ServerTls {
  /** The certificate of the server, with its chain. */
  readonly cert: string
  /** The key of the certificate. */
  readonly key: string
  /**
   * The authorities of the certificates of all instances, and of nobody else: whoever has a certificate of theirs
   * passes for an instance. Default: instances are known by their `peerToken` alone.
   */
  readonly peerCa?: string
}

/** How much a request may be, and how many there may be. */
export interface ServerLimits {
  /** Size of a body. Default: 1 MiB. */
  readonly body?: ByteSize
  /** Size of the headers, with the URL. Default: 16 KiB. */
  readonly header?: ByteSize
  /** Connections at a time. One more takes the place of the one that has been idle longest. Default: 2,000. */
  readonly connections?: number
  /** Watches of stores at a time; 0: none. Default: 1,000. */
  readonly watches?: number
}

/** The options of a token: its role, and exactly one of the others. */
export const TOKEN = {
  role: oneOf<ServerRole>(ROLES, { required: true, description: 'what it allows' }),
  file: text({ description: 'a file with a token on each line' }),
  env: text({ description: 'an environment variable with the token' }),
  sha256: text({ secret: true, description: 'the SHA-256 of the token, in hex' }),
  token: text({ secret: true, description: 'the token itself' }),
}

const AUTH = {
  tokens: option<readonly TokenOptions[]>(
    'list of tokens',
    { required: true, description: 'tokens' },
    (value, place) => {
      const list = listOf(value, place, 'tokens')
      if (list.length === 0) throw place.refuse(value, "Give at least one token, or auth: 'none'.")
      return list.map((each, index) => readToken(each, place.inner(`[${index}]`)))
    },
  ),
}

/** The options of `serve`, `tls`. */
export const TLS = {
  cert: text({ required: true, description: 'a file with the certificate of the server, and its chain' }),
  key: text({ required: true, description: 'a file with the key of the certificate' }),
  peerCa: text({
    description: 'a file with the authorities of the certificates of all instances, and of nobody else',
  }),
} satisfies TableOf<ServerTls>

/** The options of `serve`, `limits`. */
export const LIMITS = {
  body: byteSize({ default: 1024 * 1024, defaultText: '1 MiB', description: 'size of a body; a larger one is 413' }),
  header: byteSize({
    default: 16 * 1024,
    defaultText: '16 KiB',
    least: 1024,
    most: 1024 * 1024,
    description: 'size of the headers, with the URL; larger ones are 431',
  }),
  connections: wholeNumber({
    default: 2000,
    least: 1,
    description: 'connections at a time; one more takes the place of the one that has been idle longest',
  }),
  watches: wholeNumber({ default: 1000, description: 'watches of stores at a time; one more is 429' }),
} satisfies TableOf<ServerLimits>

/** The options of `serve`. */
export const SERVE = {
  listen: option<ListenAddress | 'none'>(
    "port, `'HOST:PORT'`, `'none'`",
    {
      default: { host: '127.0.0.1', port: 8080 },
      defaultText: "`'8080'`",
      description:
        'where it listens: a port of the loopback address, or an address and a port. Port 0 is any that is free; ' +
        "`'none'` is for servers that are only called by `fetch`",
      alsoCalled: ['port', 'host', 'address'],
    },
    (value, place) => (value === 'none' ? value : readListenAddress(value, place)),
  ),
  auth: option<'none' | { readonly tokens: readonly TokenOptions[] }>(
    "`'none'`, `{ tokens }`",
    {
      defaultText: 'loopback reads',
      description: 'who may ask: see [security](security.md#tokens)',
      alsoCalled: ['tokens', 'token'],
    },
    (value, place) => {
      if (value === 'none') return value
      if (typeof value !== 'object') throw place.refuse(value, "Give { tokens: [{ file, role: 'read' }] }, or 'none'.")
      return readMembers(AUTH, value, place)
    },
  ),
  tls: option<Values<typeof TLS>>(
    '`{ cert, key, peerCa }`',
    { defaultText: 'none', description: 'PEM files of [TLS](security.md#tls)' },
    (value, place) => readMembers(TLS, value, place),
  ),
  hosts: option<readonly string[]>(
    'list of names',
    {
      default: [],
      defaultText: 'none',
      description: 'names by which a server without tokens may be called, besides addresses and `localhost`',
    },
    (value, place) => listOf(value, place, 'names').map((each, index) => readHost(each, place.inner(`[${index}]`))),
  ),
  cors: option<readonly string[]>(
    'list of origins',
    { default: [], defaultText: 'none', description: 'origins of web pages that may read and write' },
    (value, place) => listOf(value, place, 'origins').map((each, index) => readOrigin(each, place.inner(`[${index}]`))),
  ),
  deadLetters: flag({
    default: false,
    description: '[dead letters over HTTP](dead-letters.md#over-http), by tokens with the role `dead-letters`',
  }),
  pages: option<Readonly<Record<string, string>>>(
    '`{ NAME: directory }`',
    { default: {}, defaultText: 'none', description: '[pages of your own](server.md#pages-of-your-own)' },
    (value, place) => {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) throw place.refuse(value, PAGES_HINT)
      return Object.fromEntries(
        Object.entries(value).map(([name, directory]) => [
          readPageName(name, place),
          readDirectory(directory, place.inner(`.${name}`)),
        ]),
      )
    },
  ),
  writableTopics: option<readonly string[]>(
    'list of topics',
    {
      default: [],
      defaultText: 'none',
      description:
        'topics that may be [written through HTTP](rest.md#who-may-read-and-write) by tokens with the role `write`, ' +
        'and without tokens by every program of this machine',
      alsoCalled: ['topics', 'write'],
    },
    (value, place) =>
      listOf(value, place, 'topics').map((each, index) => readTopicName(each, place.inner(`[${index}]`))),
  ),
  limits: limitsOption(),
} satisfies TableOf<ServerOptions>

function limitsOption(): Option<Values<typeof LIMITS>> {
  const { body, header, connections, watches } = LIMITS
  return option<Values<typeof LIMITS>>(
    '`{ body, header, connections, watches }`',
    {
      default: {
        body: Number(body.default),
        header: Number(header.default),
        connections: Number(connections.default),
        watches: Number(watches.default),
      },
      defaultText: 'see below',
      description: 'how much a request may be, and how many there may be',
    },
    (value, place) => readMembers(LIMITS, value, place),
  )
}

function listOf(value: unknown, place: Place, what: string): readonly unknown[] {
  if (Array.isArray(value)) return value
  throw place.refuse(value, `Give a list of ${what}.`)
}

function readToken(value: unknown, place: Place): TokenOptions {
  const { role, ...given } = readMembers(TOKEN, value, place)
  const [source, second] = Object.entries(given).filter(([, text]) => text !== undefined)
  if (source === undefined || second !== undefined) {
    throw place.error(
      `${place.text} ${source === undefined ? 'has no token' : `has both ${source[0]} and ${second?.[0]}`}`,
      'Give one of token, sha256, file and env.',
    )
  }
  return { source: sourceOf(source[0] as keyof typeof given, String(source[1]), place), role }
}

function sourceOf(kind: 'token' | 'sha256' | 'file' | 'env', text: string, place: Place): TokenSource {
  const inner = place.inner(`.${kind}`, TOKEN[kind])
  if (kind === 'token' && !isToken(text)) throw inner.refuse(text, TOKEN_HINT)
  if (kind !== 'sha256') return { kind, text }
  if (!/^[0-9a-f]{64}$/i.test(text)) throw inner.refuse(text, 'Give 64 hexadecimal digits, as sha256sum prints.')
  return { kind, sha256: Buffer.from(text, 'hex') }
}

const PAGES_HINT = "Give directories of pages by their names, as in { map: 'dist/map' }."

/** Paths that begin with these are the server's own, now or later. */
const OWN: ReadonlySet<string> = new Set([
  'console',
  'internal',
  'livez',
  'metrics',
  'readyz',
  'startupz',
  'v1',
  'v2',
  'v3',
])

function readPageName(name: string, place: Place): string {
  if (/^[a-z][a-z0-9-]*$/.test(name) && !OWN.has(name)) return name
  const why = OWN.has(name) ? 'is a path of the server' : 'is no name of a page'
  throw place.error(`${JSON.stringify(name)} in ${place.text} ${why}`, PAGES_HINT)
}

function readDirectory(value: unknown, place: Place): string {
  if (typeof value === 'string' && value !== '') return value
  throw place.refuse(value, PAGES_HINT)
}

function readHost(value: unknown, place: Place): string {
  if (typeof value === 'string' && /^(?!-)[a-z0-9._-]{1,253}$/i.test(value)) return value
  throw place.refuse(value, "Give a name without a port, as in 'streams.example.com'.")
}

function readTopicName(value: unknown, place: Place): string {
  if (typeof value === 'string' && /^[\w.-]{1,249}$/.test(value)) return value
  throw place.refuse(value, "Give the name of a topic, as in 'payments'.")
}

function readOrigin(value: unknown, place: Place): string {
  if (typeof value === 'string' && URL.canParse(value)) {
    const { origin, protocol } = new URL(value)
    if (origin === value && /^https?:$/.test(protocol)) return origin
  }
  throw place.refuse(value, "Give an origin, as in 'https://board.example.com': no path, and no slash at its end.")
}
