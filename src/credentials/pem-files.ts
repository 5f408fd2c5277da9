import { readFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import type { Logger } from '../application/application.ts'
import { messageOf, MillraceError } from '../errors/millrace-error.ts'
import { systemClock } from '../platform/clock.ts'
import { expiredOn } from './certificate-dates.ts'
import { fileVersion } from './file-version.ts'

/** Paths of PEM files: a certificate and its key, and the authorities whose certificates are believed. */
export interface PemPaths {
  readonly ca?: string | undefined
  readonly cert?: string | undefined
  readonly key?: string | undefined
}

/** What PEM files hold, as `node:tls` takes it. */
export interface Pems {
  readonly ca?: Buffer
  readonly cert?: Buffer
  readonly key?: Buffer
}

/** ms between two looks at the files. */
const LOOK_EVERY = 1000

/** A certificate, its key and authorities in files, which are read again when they change. */
export class PemFiles {
  readonly #files: readonly (readonly [keyof Pems, string])[]
  readonly #logger: Logger
  #pems: Pems = {}
  #version = ''
  #looked = -Infinity
  #looking: Promise<void> | undefined
  #isBroken = false

  private constructor(paths: PemPaths, logger: Logger) {
    const names = ['ca', 'cert', 'key'] as const
    this.#files = names.flatMap((name) => {
      const path = paths[name]
      return path === undefined ? [] : [[name, path] as const]
    })
    this.#logger = logger
  }

  /** @throws MR_SERVER_CERTIFICATE if a file cannot be read, or the key is not that of the certificate */
  static async open(paths: PemPaths, logger: Logger): Promise<PemFiles> {
    const files = new PemFiles(paths, logger)
    await files.#read()
    return files
  }

  /** Returns what the files hold as of the last second: the same object for as long as they have not changed. */
  async current(): Promise<Pems> {
    const now = systemClock.monotonic()
    if (now - this.#looked >= LOOK_EVERY) {
      this.#looked = now
      this.#looking = this.#look()
    }
    await this.#looking
    return this.#pems
  }

  /** Files that are being replaced may not fit together for a moment, so that the last that did are kept. */
  async #look(): Promise<void> {
    try {
      if (!(await this.#read())) return
      this.#isBroken = false
      this.#logger.info({ files: this.#paths }, 'certificates were read again')
    } catch (err) {
      if (!this.#isBroken)
        this.#logger.error({ files: this.#paths, err }, 'certificates cannot be read: the old ones stay')
      this.#isBroken = true
    }
  }

  /** Returns false if nothing has changed. */
  async #read(): Promise<boolean> {
    try {
      const version = (await Promise.all(this.#paths.map(fileVersion))).join()
      if (version === this.#version) return false
      const pems: Pems = Object.fromEntries(
        await Promise.all(this.#files.map(async ([name, path]) => [name, await readFile(path)] as const)),
      )
      createSecureContext(pems)
      const expired = pems.cert === undefined ? undefined : expiredOn(pems.cert)
      if (expired !== undefined) throw new Error(`it has expired, and was valid until ${expired}`)
      this.#pems = pems
      this.#version = version
      return true
    } catch (cause) {
      const message = `the certificate cannot be used (${this.#paths.join(', ')}): ${messageOf(cause)}`
      throw new MillraceError('MR_SERVER_CERTIFICATE', message, {
        hint: 'Name PEM files that this process may read: a certificate with its chain, the key of it, authorities.',
        cause,
      })
    }
  }

  get #paths(): string[] {
    return this.#files.map(([, path]) => path)
  }
}
