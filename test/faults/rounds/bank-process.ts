import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import type { BankProcessSettings, BankStatus } from './bank-main.ts'
import { UNCOMMITTED } from './exit-codes.ts'

const MAIN = join(import.meta.dirname, 'bank-main.ts')
/** Characters that are kept of a process's last errors, for a report. */
const KEPT = 20_000

/** The application in a process of its own. */
export class BankProcess {
  readonly #child: ChildProcess
  readonly #closed: Promise<void>
  #line = ''
  #wanted = true
  /** The last status that it printed. */
  status: BankStatus | undefined
  /** Its last errors and warnings. */
  errors = ''

  constructor(settings: BankProcessSettings) {
    this.#child = spawn(process.execPath, ['--conditions=millrace-source', MAIN, JSON.stringify(settings)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
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
