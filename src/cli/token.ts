import { readFileSync } from 'node:fs'
import { MillraceError, propertyOf } from '../errors/millrace-error.ts'

/** The environment variable that a token is taken from without `--token-file`. */
const VARIABLE = 'MILLRACE_TOKEN'

/**
 * Reads the token to send to an instance: the first line of a file, else the environment variable. Never an argument:
 * everybody on a machine sees those. Undefined if there is none.
 *
 * @throws MR_CLI_TOKEN
 */
export function readToken(file: string | undefined): string | undefined {
  const [place, text] = file === undefined ? [VARIABLE, process.env[VARIABLE] ?? ''] : [file, readTokenFile(file)]
  const token = text
    .split('\n')
    .map((line) => line.trim())
    .find((line) => line !== '')
  if (token === undefined && file === undefined) return undefined
  if (token === undefined) throw tokenError(`the token file ${place} is empty`)
  // What a header can carry (RFC 9110, section 5.5), without blanks.
  if (!/^[\x21-\x7e]+$/.test(token)) throw tokenError(`${place} holds no token`)
  return token
}

function readTokenFile(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw tokenError(`the token file ${file} cannot be read: ${String(propertyOf(cause, 'code') ?? 'error')}`)
  }
}

function tokenError(message: string): MillraceError {
  return new MillraceError('MR_CLI_TOKEN', message, {
    hint: `Give a token that the server knows, in a file by --token-file or in ${VARIABLE}.`,
  })
}
