import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')

/** Codes for colours, the cursor and the title. */
// eslint-disable-next-line no-control-regex
const CODES = /\u001b(?:\[[?\d;]*[A-Za-z]|\][^\u0007]*\u0007)/g

/** ms between two looks at a terminal. */
const LOOK = 50
/** ms far beyond what anything here takes. */
const GIVE_UP = 150_000

/** Real terminals, each with a shell in which `millrace` is the command from source. */
export class Terminals implements AsyncDisposable {
  /** A directory that ends with the terminals. */
  readonly directory = mkdtempSync(join(tmpdir(), 'millrace-tmux-'))
  readonly #env: NodeJS.ProcessEnv
  #count = 0

  /** @param env what the shells find in the environment besides */
  constructor(env: NodeJS.ProcessEnv = {}) {
    const bin = join(this.directory, 'millrace')
    writeFileSync(bin, `#!/bin/sh\nexec '${process.execPath}' --conditions=millrace-source '${MAIN}' "$@"\n`)
    chmodSync(bin, 0o700)
    const path = `${this.directory}:${process.env['PATH'] ?? ''}`
    this.#env = { ...process.env, NODE_OPTIONS: '', TMUX: '', PATH: path, ...env }
  }

  async open(): Promise<Terminal> {
    const name = `terminal-${++this.#count}`
    const shown = join(this.directory, name)
    await this.#tmux('new-session', '-d', '-s', name, '-x', '160', '-y', '50', 'bash --norc --noprofile')
    await this.#tmux('pipe-pane', '-t', name, `cat > '${shown}'`)
    return new Terminal((...keys) => this.#tmux('send-keys', '-t', name, ...keys), shown)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#count > 0) await this.#tmux('kill-server')
    rmSync(this.directory, { recursive: true, force: true })
  }

  async #tmux(...args: readonly string[]): Promise<void> {
    const server = ['-S', join(this.directory, 'tmux'), '-f', '/dev/null']
    await run('tmux', [...server, ...args], { env: this.#env })
  }
}

/** One terminal. */
export class Terminal {
  readonly #press: (...keys: readonly string[]) => Promise<void>
  readonly #shown: string

  /** @param shown the file with all that it was sent */
  constructor(press: (...keys: readonly string[]) => Promise<void>, shown: string) {
    this.#press = press
    this.#shown = shown
  }

  async type(line: string): Promise<void> {
    await this.#press('-l', line)
    await this.#press('Enter')
  }

  async pressCtrl(letter: string): Promise<void> {
    await this.#press(`C-${letter}`)
  }

  /** The lines that it was sent. */
  get text(): string {
    const sent = existsSync(this.#shown) ? readFileSync(this.#shown, 'utf8') : ''
    return sent.replaceAll(CODES, '').replaceAll(/\r+\n?/g, '\n')
  }

  /** Resolves once its lines match so many times. */
  async shows(pattern: RegExp, times = 1): Promise<void> {
    const all = new RegExp(pattern, 'gm')
    for (let left = GIVE_UP; (this.text.match(all)?.length ?? 0) < times; left -= LOOK) {
      if (left <= 0) throw new Error(`the terminal does not show ${pattern} ${times} times:\n${this.text}`)
      await pause(LOOK)
    }
  }
}
