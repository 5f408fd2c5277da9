import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

const MAIN = join(import.meta.dirname, '../../examples/payments/main.ts')

export interface PaymentsRun {
  /** The directory of the log and the state. */
  readonly data: string
  readonly seed: number
  /** Payments per second. */
  readonly rate: number
}

/** The whole payments example, with its generator, in a process of its own. */
export class PaymentsProcess {
  readonly #child: ChildProcess
  readonly #closed: Promise<unknown>
  #shown = ''
  #errors = ''

  constructor({ data, seed, rate }: PaymentsRun) {
    const args = ['--data', data, '--seed', String(seed), '--rate', String(rate)]
    this.#child = spawn(process.execPath, ['--conditions=millrace-source', MAIN, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    this.#child.stdout?.on('data', (chunk: Buffer) => (this.#shown += chunk.toString()))
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()))
    this.#closed = once(this.#child, 'close')
  }

  /** Resolves when the application has printed something, which is after its start. */
  async shows(): Promise<void> {
    while (this.#shown === '') {
      this.#assertRunning()
      await Promise.race([once(this.#child.stdout!, 'data'), this.#closed])
    }
  }

  /** Kills the process, which cannot end gracefully. @throws if it ended by itself, which means with an error */
  async killAfter(ms: number): Promise<void> {
    await sleep(ms)
    this.#assertRunning()
    this.#child.kill('SIGKILL')
    await this.#closed
  }

  #assertRunning(): void {
    const { exitCode, signalCode } = this.#child
    if (exitCode === null && signalCode === null) return
    throw new Error(`the application ended by itself (${exitCode ?? signalCode}):\n${this.#errors}${this.#shown}`)
  }
}
