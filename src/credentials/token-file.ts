import { readFile } from 'node:fs/promises'
import type { Logger } from '../application/application.ts'
import { propertyOf } from '../errors/millrace-error.ts'
import { systemClock } from '../platform/clock.ts'
import { fileVersion } from './file-version.ts'
import { isToken, TOKEN_HINT, tokensError } from './token.ts'

/** ms between two looks at a file. */
const LOOK_EVERY = 1000

/** A file with a token on each line, which is read again when it changes. */
export class TokenFile<T> {
  readonly #path: string
  readonly #kept: (token: string) => T
  readonly #logger: Logger
  #known: readonly T[] = []
  /** What the file was when it was read; undefined when that failed. */
  #version: string | undefined
  #looked = -Infinity
  #looking: Promise<void> | undefined

  private constructor(path: string, kept: (token: string) => T, logger: Logger) {
    this.#path = path
    this.#kept = kept
    this.#logger = logger
  }

  /** @param kept makes of a token what is kept of it. @throws MR_SERVER_TOKENS if the file cannot be used */
  static async open<T>(path: string, kept: (token: string) => T, logger: Logger): Promise<TokenFile<T>> {
    const file = new TokenFile(path, kept, logger)
    await file.#read(await file.#versionNow())
    return file
  }

  /** Returns the tokens of the file as of the last second. A file that cannot be used has none. */
  async known(): Promise<readonly T[]> {
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

  async #versionNow(): Promise<string> {
    try {
      return await fileVersion(this.#path)
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
    this.#known = tokens.map(this.#kept)
    this.#version = version
  }
}

function unreadable(path: string, cause: unknown): Error {
  const code = String(propertyOf(cause, 'code') ?? 'error')
  return tokensError(`the token file ${path} cannot be read: ${code}`, 'Name a file that this process may read.')
}
