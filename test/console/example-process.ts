import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { until } from '../server/support.ts'

const root = join(import.meta.dirname, '../..')

/** An example as `npm start` runs it, in a process and a directory of its own. */
export class ExampleProcess implements AsyncDisposable {
  readonly url: string
  readonly #child: ChildProcess
  readonly #directory: string

  private constructor(url: string, child: ChildProcess, directory: string) {
    this.url = url
    this.#child = child
    this.#directory = directory
  }

  /** Resolves when it says where it is. */
  static async start(name: string, ...options: readonly string[]): Promise<ExampleProcess> {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-example-'))
    const main = join('examples', name, 'main.ts')
    const child = spawn(
      process.execPath,
      ['--conditions=millrace-source', `./${main}`, '--data', directory, ...options],
      {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
        env: { ...process.env, NODE_OPTIONS: '' },
      },
    )
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()))
    const url = (): string | undefined => /open (http:\/\/[^/]+)\//.exec(said)?.[1]
    await until(() => url() !== undefined || child.exitCode !== null)
    if (child.exitCode !== null) throw new Error(`the example ended with ${child.exitCode}: ${said}`)
    return new ExampleProcess(url()!, child, directory)
  }

  /** Asks its server. */
  async ask<T>(path: string): Promise<T> {
    return (await (await fetch(`${this.url}${path}`)).json()) as T
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null) {
      this.#child.kill('SIGINT')
      await once(this.#child, 'exit')
    }
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
