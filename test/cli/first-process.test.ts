import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { fixture } from './cli-process.ts'

const MAIN = join(import.meta.dirname, '../../src/cli/main.ts')
const directory = mkdtempSync(join(tmpdir(), 'millrace-first-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** A run of an application as the first process of a namespace, as in a container. */
class FirstProcess {
  readonly #outer: ChildProcess
  readonly #ended: Promise<unknown>
  #onOutput = (): void => {}
  stderr = ''

  constructor(app: string, ...args: readonly string[]) {
    const node = [process.execPath, '--conditions=millrace-source', MAIN, 'run', app, ...args]
    const namespace = ['--pid', '--fork', '--mount-proc', '--kill-child']
    this.#outer = spawn('unshare', [...namespace, ...node], { stdio: ['ignore', 'inherit', 'pipe'] })
    this.#outer.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
      this.#onOutput()
    })
    this.#ended = once(this.#outer, 'close')
  }

  async prints(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.stderr)) {
      if (this.#outer.exitCode !== null) throw new Error(`ended before ${pattern}:\n${this.stderr}`)
      await new Promise<void>((resolve) => (this.#onOutput = resolve))
    }
  }

  /** Sends a signal to the process within, as the runtime of a container does. */
  signal(signal: NodeJS.Signals): void {
    const { pid } = this.#outer
    const inner = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
    process.kill(Number(inner), signal)
  }

  async exitCode(): Promise<number | null> {
    await this.#ended
    return this.#outer.exitCode
  }
}

describe.runIf(process.env['CI'] === 'true' || canUnshare())('as the first process of a container', () => {
  test('SIGTERM commits and ends with 0', async () => {
    const run = new FirstProcess(fixture('words.ts'), '--data', join(directory, 'words'))
    await run.prints(/^running/m)
    run.signal('SIGTERM')
    expect(await run.exitCode()).toBe(0)
    expect(run.stderr).toMatch(/^done: /m)
  })

  test('SIGTERM ends it at once while the application is still being loaded, as it ends other processes', async () => {
    const run = new FirstProcess(fixture('slow-to-load.ts'))
    await run.prints(/^loading/m)
    run.signal('SIGTERM')
    expect(await run.exitCode()).toBe(143)
  })
})

function canUnshare(): boolean {
  try {
    execFileSync('unshare', ['--pid', '--fork', '--mount-proc', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
