import { createHash } from 'node:crypto'
import { MillraceError } from '../errors/millrace-error.ts'

/** The least length of a token whose characters are known. Shorter ones can be guessed. */
export const LEAST_LENGTH = 16
export const TOKEN_HINT = `Give at least ${LEAST_LENGTH} of A-Z a-z 0-9 - . _ ~ + / =, as openssl rand -hex 32 does.`

/** True for what `Authorization: Bearer` can carry (RFC 6750, section 2.1) and nobody can guess. */
export function isToken(text: string): boolean {
  return text.length >= LEAST_LENGTH && /^[A-Za-z0-9._~+/-]+=*$/.test(text)
}

/** Returns the token that an environment variable holds. @throws MR_SERVER_TOKENS */
export function tokenOfEnvironment(name: string): string {
  const token = process.env[name]
  if (token === undefined) throw tokensError(`the environment variable ${name} of a token is not set`, `Set ${name}.`)
  if (!isToken(token)) throw tokensError(`the environment variable ${name} holds no token`, TOKEN_HINT)
  return token
}

/** Returns what tokens are compared by: it takes the same time wherever two of them differ. */
export function sha256(token: string): Buffer {
  return createHash('sha256').update(token).digest()
}

export function tokensError(message: string, hint: string, cause?: unknown): MillraceError {
  return new MillraceError('MR_SERVER_TOKENS', message, { hint, cause })
}
