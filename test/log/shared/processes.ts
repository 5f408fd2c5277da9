import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import type { Command, Event } from './member.ts'

const MODULE = join(import.meta.dirname, 'member.ts')

/** A process that shares a log. */
export class Member {
  readonly #child: ChildProcess
  readonly #exited: Promise<unknown>
  readonly #watchers = new Set<() => void>()
  readonly #events: Event[] = []
  readonly read: { readonly number: number; readonly partition: number; readonly offset: number }[] = []
  acknowledged = 0
  error = ''

  constructor() {
    this.#child = fork(MODULE, { execArgv: process.execArgv, stdio: ['ignore', 'inherit', 'pipe', 'ipc'] })
    this.#exited = once(this.#child, 'exit')
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.error += chunk.toString()))
    this.#child.on('message', (event: Event) => {
      if ('read' in event) this.read.push({ number: event.read, partition: event.partition, offset: event.offset })
      else if ('acknowledged' in event) this.acknowledged = event.acknowledged
      else this.#events.push(event)
      for (const watcher of this.#watchers) watcher()
    })
    void this.#exited.then(() => {
      for (const watcher of this.#watchers) watcher()
    })
  }

  get pid(): number {
    return this.#child.pid!
  }

  /** Sends a command, and returns how the log is reached when it is carried out; or the code of its error. */
  async carryOut(command: Command): Promise<string> {
    this.send(command)
    return await this.answer(command.do)
  }

  /** Returns what a command that was sent has led to. */
  async answer(command: Command['do']): Promise<string> {
    await this.until(`${command} is answered`, () => this.#events.length > 0)
    const event = this.#events.shift()!
    return 'failed' in event ? event.failed : 'way' in event ? (event.way ?? '') : ''
  }

  send(command: Command): void {
    this.#child.send(command)
  }

  /** Resolves once something has come that makes `check` true. */
  async until(what: string, check: () => boolean): Promise<void> {
    while (!check()) {
      if (this.#child.exitCode !== null || this.#child.signalCode !== null)
        throw new Error(`the process ended before ${what}: ${this.error}`)
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#watchers.add(resolve)
      await promise
      this.#watchers.delete(resolve)
    }
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}
