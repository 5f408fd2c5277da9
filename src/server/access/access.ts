import { isIP } from 'node:net'
import type { Logger } from '../../application/application.ts'
import { MillraceError } from '../../errors/millrace-error.ts'
import {
  includesRole,
  NO_RIGHTS,
  ROLES,
  roleText,
  type Needed,
  type NeededRole,
  type Rights,
  type ServerRole,
} from './role.ts'
import type { Tokens } from './tokens.ts'

/**
 * The way by which a request came: a socket of the server, one whose other end has a certificate of an instance of the
 * application, or a call of `fetch`.
 */
export type Via = 'socket' | 'peer' | 'fetch'

export interface AccessOptions {
  /** `none`: everybody may do everything. Undefined: whoever is on this machine may read. */
  readonly auth: Tokens | 'none' | undefined
  /** Names under which the server may be addressed, besides addresses and `localhost`. */
  readonly hosts: readonly string[]
  /** Whether a token is that of another instance of the application. */
  readonly isPeer: (token: string) => Promise<boolean>
  /** Origins of pages that may write. */
  readonly origins: readonly string[]
  /** True if only this machine reaches the server's sockets. */
  readonly isLoopback: boolean
  readonly logger: Logger
}

/** Decides who may ask what. */
export class Access {
  readonly #options: AccessOptions
  readonly #hosts: ReadonlySet<string>
  /** The last name that was right: most requests have the same one. */
  #lastHost: string | undefined
  #hasWarned = false

  constructor(options: AccessOptions) {
    this.#options = options
    this.#hosts = new Set(options.hosts.map((host) => host.toLowerCase()))
  }

  /** True if requests need a token. */
  get needsToken(): boolean {
    return typeof this.#options.auth === 'object'
  }

  /**
   * Returns what the sender of a request may do.
   *
   * @throws MR_SERVER_OPEN, MR_SERVER_HOST, MR_SERVER_UNAUTHORIZED, MR_SERVER_ROLE, MR_SERVER_ORIGIN
   */
  async require(needed: Needed, request: Request, via: Via): Promise<Rights> {
    if (needed === 'nothing') return NO_RIGHTS
    const { auth } = this.#options
    const token = tokenOf(request)
    if (needed === 'peer') {
      await this.#requirePeer(token, via)
      return NO_RIGHTS
    }
    const given = typeof auth === 'object' && token !== undefined ? await auth.rolesOf(token) : NO_ROLES
    const roles = given.size === 0 ? this.#rolesWithoutToken(request, via, token) : given
    if (roles !== EVERYBODY) {
      requireRole(roles, needed, given.size === 0 ? OPEN_HINT : `Send a token with the role ${roleText(needed)}.`)
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') this.#requireOrigin(request)
    return new RightsOf(roles, auth === undefined)
  }

  #rolesWithoutToken(request: Request, via: Via, token: string | undefined): ReadonlySet<ServerRole> {
    const { auth, isLoopback } = this.#options
    if (auth === undefined && (via === 'fetch' || !isLoopback)) throw this.#open(via)
    if (typeof auth === 'object') throw unauthorized(token !== undefined)
    this.#requireHost(request)
    return auth === undefined ? READER : EVERYBODY
  }

  /** Refuses the tokens of users, whatever their role: what instances ask goes past all other checks. */
  async #requirePeer(token: string | undefined, via: Via): Promise<void> {
    if (via === 'peer' || (token !== undefined && (await this.#options.isPeer(token)))) return
    throw new MillraceError('MR_SERVER_UNAUTHORIZED', 'the token is not that of the instances of this application', {
      hint: 'Give Streams.start() of every instance the same peerToken.',
    })
  }

  #open(via: Via): MillraceError {
    this.warnOnce(via)
    return new MillraceError('MR_SERVER_OPEN', 'the server has no tokens: it answers probes and metrics alone', {
      hint: OPEN_HINT,
    })
  }

  /** Says once that most requests will be refused, where they will be. */
  warnOnce(via: Via): void {
    const { auth, isLoopback, logger } = this.#options
    if (this.#hasWarned || auth !== undefined || (via === 'socket' && isLoopback)) return
    this.#hasWarned = true
    logger.warn({ code: 'MR_SERVER_OPEN' }, 'the server has no tokens: it answers probes and metrics alone')
  }

  /**
   * Refuses names that this server does not have. A page of another site can have its own name lead to this machine
   * and read what the browser gets (DNS rebinding). It cannot do so under an address, or with a token.
   */
  #requireHost(request: Request): void {
    const host = request.headers.get('host') ?? new URL(request.url).host
    if (host === this.#lastHost) return
    const name = nameOf(host)
    if (name !== undefined && (isIP(name) !== 0 || isLocal(name) || this.#hosts.has(name))) {
      this.#lastHost = host
      return
    }
    throw new MillraceError('MR_SERVER_HOST', `the server does not go by the name ${JSON.stringify(host)}`, {
      hint: 'Add the name to the option hosts of serve(), or give it tokens by auth.',
    })
  }

  /** Refuses what a page of another site makes a browser send. Programs send no origin. */
  #requireOrigin(request: Request): void {
    const origin = request.headers.get('origin')
    if (origin === null || this.#options.origins.includes(origin)) return
    const host = request.headers.get('host') ?? new URL(request.url).host
    if (URL.canParse(origin) && new URL(origin).host === host.toLowerCase()) return
    throw new MillraceError('MR_SERVER_ORIGIN', `pages of ${JSON.stringify(origin)} may not write`, {
      hint: 'Add the origin to the option cors of serve().',
    })
  }
}

const OPEN_HINT = "Give serve() the option auth: tokens, or 'none' to let everybody in."

const NO_ROLES: ReadonlySet<ServerRole> = new Set()
const READER: ReadonlySet<ServerRole> = new Set(['read'])
const EVERYBODY: ReadonlySet<ServerRole> = new Set(ROLES)

class RightsOf implements Rights {
  readonly isAnonymous: boolean
  readonly #roles: ReadonlySet<ServerRole>

  constructor(roles: ReadonlySet<ServerRole>, isAnonymous: boolean) {
    this.#roles = roles
    this.isAnonymous = isAnonymous
  }

  may(role: ServerRole): boolean {
    for (const each of this.#roles) if (includesRole(each, role)) return true
    return false
  }
}

function requireRole(roles: ReadonlySet<ServerRole>, needed: NeededRole, hint: string): void {
  for (const role of roles) if (includesRole(role, needed)) return
  const names = [...roles].join(' and ')
  throw new MillraceError('MR_SERVER_ROLE', `the role ${names} is not enough: this needs ${roleText(needed)}`, { hint })
}

function unauthorized(isKnown: boolean): MillraceError {
  return new MillraceError('MR_SERVER_UNAUTHORIZED', isKnown ? 'the token is unknown' : 'there is no token', {
    hint: 'Send the header Authorization: Bearer TOKEN.',
  })
}

function tokenOf(request: Request): string | undefined {
  return /^Bearer +([^ ]+)$/i.exec(request.headers.get('authorization') ?? '')?.[1]
}

/** Returns the name or address of `NAME:PORT`, without the brackets of IPv6; undefined for what is neither. */
function nameOf(host: string): string | undefined {
  if (!/^[^/?#@\s]+$/.test(host) || !URL.canParse(`http://${host}`)) return undefined
  return new URL(`http://${host}`).hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '')
}

function isLocal(name: string): boolean {
  return name === 'localhost' || name.endsWith('.localhost')
}
