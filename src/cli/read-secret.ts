import { readFileSync } from 'node:fs'
import { MillraceError, propertyOf } from '../errors/millrace-error.ts'

/** The place of a secret: a file, or an environment variable. Never an argument: everybody on a machine sees those. */
export interface SecretPlace {
  /** The option that names the file: `--kafka-password-file`. */
  readonly option: string
  /** The environment variable that is read without it. */
  readonly variable: string
}

/**
 * Reads a secret: a file without the end of its last line, else an environment variable. Undefined if there is neither.
 *
 * @throws MR_CLI_SECRET for a file that cannot be read, and for nothing in it
 */
export function readSecret(file: string | undefined, { option, variable }: SecretPlace): string | undefined {
  if (file === undefined) return process.env[variable] === '' ? undefined : process.env[variable]
  const secret = readTextFile(file, option).replace(/\r?\n$/, '')
  if (secret !== '') return secret
  throw secretError(`the file ${file} of ${option} is empty`, `Write the secret into it, or set ${variable}.`)
}

/** @throws MR_CLI_SECRET */
export function readTextFile(file: string, option: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw secretError(
      `the file ${file} of ${option} cannot be read: ${String(propertyOf(cause, 'code') ?? 'error')}`,
      'Give the path of a file that you may read, relative to the current directory.',
    )
  }
}

/** The error never holds the cause, which could show what the file holds. */
export function secretError(message: string, hint: string): MillraceError {
  return new MillraceError('MR_CLI_SECRET', message, { hint })
}
