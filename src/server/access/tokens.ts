import { createHash, timingSafeEqual } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import type { Logger } from '../../application/application.ts'
import { MillraceError, propertyOf } from '../../errors/millrace-error.ts'
import { systemClock } from '../../platform/clock.ts'
import { includesRole, type ServerRole } from './role.ts'

/** Where a token comes from: itself, its SHA-256, a file or an environment variable. */
export type TokenSource =
  | { readonly kind: 'sha256'; readonly sha256: Buffer }
  | { readonly kind: 'token' | 'file' | 'env'; readonly text: string }

export interface TokenOptions {
  readonly source: TokenSource
  readonly role: ServerRole
}

/** The least length of a token whose characters are known. Shorter ones can be guessed. */
export const LEAST_LENGTH = 16
export const TOKEN_HINT = `Give at least ${LEAST_LENGTH} of A-Z a-z 0-9 - . _ ~ + / =, as openssl rand -hex 32 does.`

/** ms between two looks at a file of tokens. */
const LOOK_EVERY = 1000

/** True for what `Authorization: Bearer` can carry (RFC 6750, section 2.1) and nobody can guess. */
export function isToken(text: string): boolean {
  return text.length >= LEAST_LENGTH && /^[A-Za-z0-9._~+/-]+=*$/.test(text)
}

interface Known {
  readonly sha256: Buffer
  readonly role: ServerRole
}

/** The bearer tokens that a server accepts. Only their SHA-256 is kept. */
export class Tokens {
  readonly #fixed: readonly Known[]
  readonly #files: readonly TokenFile[]

  private constructor(fixed: readonly Known[], files: readonly TokenFile[]) {
    this.#fixed = fixed
    this.#files = files
  }

  /** @throws MR_SERVER_TOKENS if a file cannot be read or a variable is not set, or if what they hold is no token */
  static async open(given: readonly TokenOptions[], logger: Logger): Promise<Tokens> {
    const fixed: Known[] = []
    const files: TokenFile[] = []
    for (const { source, role } of given) {
      if (source.kind === 'sha256') fixed.push({ sha256: source.sha256, role })
      else if (source.kind === 'token') fixed.push({ sha256: sha256(source.text), role })
      else if (source.kind === 'env') fixed.push({ sha256: sha256(fromEnvironment(source.text)), role })
      else files.push(await TokenFile.open(source.text, role, logger))
    }
    return new Tokens(fixed, files)
  }

  /**
   * Returns the greatest role of a token; undefined if it is unknown. It is compared with every known token, in the
   * same time whether it is known or not.
   */
  async roleOf(token: string): Promise<ServerRole | undefined> {
    const digest = sha256(token)
    let role: ServerRole | undefined
    const files = await Promise.all(this.#files.map((file) => file.known()))
    for (const known of [this.#fixed, ...files].flat()) {
      const isSame = timingSafeEqual(digest, known.sha256)
      if (isSame && (role === undefined || includesRole(known.role, role))) role = known.role
    }
    return role
  }
}

/** A file with a token on each line, which is read again when it changes. */
class TokenFile {
  readonly #path: string
  readonly #role: ServerRole
  readonly #logger: Logger
  #known: readonly Known[] = []
  /** What the file was when it was read; undefined when that failed. */
  #version: string | undefined
  #looked = -Infinity
  #looking: Promise<void> | undefined

  private constructor(path: string, role: ServerRole, logger: Logger) {
    this.#path = path
    this.#role = role
    this.#logger = logger
  }

  static async open(path: string, role: ServerRole, logger: Logger): Promise<TokenFile> {
    const file = new TokenFile(path, role, logger)
    await file.#read(await file.#versionNow())
    return file
  }

  /** Returns the tokens of the file as of the last second. A file that cannot be used gives nobody access. */
  async known(): Promise<readonly Known[]> {
    const now = systemClock.monotonic()
    if (now - this.#looked >= LOOK_EVERY) {
      this.#looked = now
      this.#looking = this.#look()
    }
    await this.#looking
    return this.#known
  }

  async #look(): Promise<void> {
    try {
      const version = await this.#versionNow()
      if (version === this.#version) return
      await this.#read(version)
      this.#logger.info({ file: this.#path }, 'tokens were read again')
    } catch (error) {
      if (this.#version !== undefined) {
        this.#logger.error({ file: this.#path, err: error }, 'tokens cannot be read: requests with them are refused')
      }
      this.#version = undefined
      this.#known = []
      // The next request looks at once: a file that is being written is whole a moment later.
      this.#looked = -Infinity
    }
  }

  /** A mounted secret is replaced by way of a symbolic link: the file has another inode then. */
  async #versionNow(): Promise<string> {
    try {
      const { ino, mtimeNs, size } = await stat(this.#path, { bigint: true })
      return `${ino} ${mtimeNs} ${size}`
    } catch (cause) {
      throw unreadable(this.#path, cause)
    }
  }

  async #read(version: string): Promise<void> {
    let text: string
    try {
      text = await readFile(this.#path, 'utf8')
    } catch (cause) {
      throw unreadable(this.#path, cause)
    }
    const lines = text.split('\n').map((line) => line.trim())
    const tokens = lines.filter((line) => line !== '')
    if (tokens.length === 0) throw tokensError(`the token file ${this.#path} is empty`, TOKEN_HINT)
    const bad = lines.findIndex((line) => line !== '' && !isToken(line))
    if (bad !== -1) throw tokensError(`line ${bad + 1} of the token file ${this.#path} is no token`, TOKEN_HINT)
    this.#known = tokens.map((token) => ({ sha256: sha256(token), role: this.#role }))
    this.#version = version
  }
}

function fromEnvironment(name: string): string {
  const token = process.env[name]
  if (token === undefined) throw tokensError(`the environment variable ${name} of a token is not set`, `Set ${name}.`)
  if (!isToken(token)) throw tokensError(`the environment variable ${name} holds no token`, TOKEN_HINT)
  return token
}

function unreadable(path: string, cause: unknown): MillraceError {
  const code = String(propertyOf(cause, 'code') ?? 'error')
  return tokensError(`the token file ${path} cannot be read: ${code}`, 'Name a file that this process may read.', cause)
}

function tokensError(message: string, hint: string, cause?: unknown): MillraceError {
  return new MillraceError('MR_SERVER_TOKENS', message, { hint, cause })
}

function sha256(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}
