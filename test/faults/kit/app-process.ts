import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { UNCOMMITTED } from './exit-codes.ts'

export interface AppProcessOptions {
  /** The module that it runs; `runApp` is what it calls. */
  readonly main: string
  /** What the module is given on its command line, as JSON. */
  readonly settings: object
  /** Variables of the environment beside those of this process. */
  readonly env?: Readonly<Record<string, string>>
}

/** Characters that are kept of a process's last errors, for a report. */
const KEPT = 20_000

/** An application in a process of its own. */
export class AppProcess<Status extends object> {
  readonly #child: ChildProcess
  readonly #closed: Promise<void>
  #line = ''
  #wanted = true
  /** The last status that it printed. */
  status: Status | undefined
  /** Its last errors and warnings. */
  errors = ''

  constructor({ main, settings, env = {} }: AppProcessOptions) {
    this.#child = spawn(process.execPath, ['--conditions=millrace-source', main, JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env, NODE_OPTIONS: '' },
    })
    this.#child.stdout?.on('data', (chunk: Buffer) => this.#read(chunk.toString()))
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.errors = (this.errors + chunk.toString()).slice(-KEPT)))
    const killAtExit = (): void => void this.#child.kill('SIGKILL')
    process.once('exit', killAtExit)
    this.#closed = new Promise((resolve) =>
      this.#child.once('close', () => {
        process.removeListener('exit', killAtExit)
        resolve()
      }),
    )
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  /** True if it ended unasked, or with an error. SIGTERM kills a process that is still starting: no failure. */
  get hasFailed(): boolean {
    const { exitCode, signalCode } = this.#child
    return this.hasEnded && (this.#wanted || (exitCode !== 0 && exitCode !== UNCOMMITTED && signalCode === null))
  }

  /** True if it stopped when it was asked to, but without its last commit. */
  get leftUncommitted(): boolean {
    return this.#child.exitCode === UNCOMMITTED
  }

  /** Kills it, so that it cannot end gracefully. */
  async kill(): Promise<void> {
    this.#wanted = this.hasEnded
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  /** Lets it commit, leave and end. */
  async stop(): Promise<void> {
    this.#wanted = this.hasEnded
    this.#child.kill('SIGTERM')
    await this.#closed
  }

  freeze(): void {
    this.#child.kill('SIGSTOP')
  }

  thaw(): void {
    this.#child.kill('SIGCONT')
  }

  #read(text: string): void {
    const lines = (this.#line + text).split('\n')
    this.#line = lines.pop() ?? ''
    const last = lines.at(-1)
    if (last !== undefined) this.status = JSON.parse(last)
  }
}
