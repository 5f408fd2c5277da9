import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A running `millrace` command, from source. */
export class CliProcess {
  readonly #child: ChildProcess
  readonly #closed: Promise<number | null>
  stdout = ''
  stderr = ''
  #onOutput = (): void => {}

  /**
   * @param input what comes in on standard input, which stays open until `endInput`; without it, there is none
   * @param encoding of standard output; `latin1` keeps any bytes
   */
  constructor(
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    input?: string | Buffer,
    encoding: BufferEncoding = 'utf8',
  ) {
    this.#child = spawn(process.execPath, ['--conditions=millrace-source', join(root, 'src/cli/main.ts'), ...args], {
      cwd: root,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '', ...env },
    })
    this.#child.stdin?.write(input)
    this.#child.stdout?.setEncoding(encoding).on('data', (chunk: string) => {
      this.stdout += chunk
      this.#onOutput()
    })
    this.#child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      this.stderr += chunk
      this.#onOutput()
    })
    this.#closed = new Promise((resolve) => this.#child.on('close', resolve))
    void this.#closed.then(() => this.#onOutput())
  }

  /** Resolves once standard error matches; rejects if the process ends before that. */
  async stderrMatches(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stderr)) {
      if (this.#child.exitCode !== null)
        throw new Error(`ended (${this.#child.exitCode}) before ${pattern}:\n${this.stderr}`)
      await new Promise<void>((resolve) => (this.#onOutput = resolve))
    }
  }

  type(text: string): void {
    this.#child.stdin?.write(text)
  }

  endInput(): void {
    this.#child.stdin?.end()
  }

  /** Resolves once standard output matches; rejects if the process ends before that. */
  async stdoutMatches(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stdout)) {
      if (this.#child.exitCode !== null)
        throw new Error(`ended (${this.#child.exitCode}) before ${pattern}:\n${this.stdout}${this.stderr}`)
      await new Promise<void>((resolve) => (this.#onOutput = resolve))
    }
  }

  /** Closes its standard output once something has come, as `head` does. */
  async readNoMore(): Promise<void> {
    await once(this.#child.stdout!, 'data')
    this.#child.stdout!.destroy()
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async result(): Promise<CliResult> {
    return { code: await this.#closed, stdout: this.stdout, stderr: this.stderr }
  }
}

export function runMillrace(...args: string[]): Promise<CliResult> {
  return new CliProcess(args).result()
}

export function fixture(name: string): string {
  return join(import.meta.dirname, 'fixtures', name)
}
