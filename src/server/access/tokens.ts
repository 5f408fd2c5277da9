import { timingSafeEqual } from 'node:crypto'
import type { Logger } from '../../application/application.ts'
import { sha256, tokenOfEnvironment } from '../../credentials/token.ts'
import { TokenFile } from '../../credentials/token-file.ts'
import type { ServerRole } from './role.ts'

/** Where a token comes from: itself, its SHA-256, a file or an environment variable. */
export type TokenSource =
  | { readonly kind: 'sha256'; readonly sha256: Buffer }
  | { readonly kind: 'token' | 'file' | 'env'; readonly text: string }

export interface TokenOptions {
  readonly source: TokenSource
  readonly role: ServerRole
}

interface Known {
  readonly sha256: Buffer
  readonly role: ServerRole
}

/** The bearer tokens that a server accepts. Only their SHA-256 is kept. */
export class Tokens {
  readonly #fixed: readonly Known[]
  readonly #files: readonly TokenFile<Known>[]

  private constructor(fixed: readonly Known[], files: readonly TokenFile<Known>[]) {
    this.#fixed = fixed
    this.#files = files
  }

  /** @throws MR_SERVER_TOKENS if a file cannot be read or a variable is not set, or if what they hold is no token */
  static async open(given: readonly TokenOptions[], logger: Logger): Promise<Tokens> {
    const fixed: Known[] = []
    const files: TokenFile<Known>[] = []
    for (const { source, role } of given) {
      if (source.kind === 'sha256') fixed.push({ sha256: source.sha256, role })
      else if (source.kind === 'token') fixed.push({ sha256: sha256(source.text), role })
      else if (source.kind === 'env') fixed.push({ sha256: sha256(tokenOfEnvironment(source.text)), role })
      else files.push(await TokenFile.open(source.text, (token) => ({ sha256: sha256(token), role }), logger))
    }
    return new Tokens(fixed, files)
  }

  /**
   * Returns the roles of a token; none if it is unknown. It is compared with every known token, in the same time
   * whether it is known or not.
   */
  async rolesOf(token: string): Promise<ReadonlySet<ServerRole>> {
    const digest = sha256(token)
    const roles = new Set<ServerRole>()
    const files = await Promise.all(this.#files.map((file) => file.known()))
    for (const known of [this.#fixed, ...files].flat()) {
      if (timingSafeEqual(digest, known.sha256)) roles.add(known.role)
    }
    return roles
  }
}
