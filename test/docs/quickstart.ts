import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { root } from './snippets.ts'

interface Block {
  readonly language: string
  readonly mark: string
  readonly text: string
}

/** What a block of commands has printed, and what the page says it does, if it says so. */
export interface Step {
  readonly commands: string
  readonly printed: string
  readonly shown: string | undefined
}

/**
 * Does what the quickstart says, block by block, in a new directory and with a shell.
 *
 * @param behind what is written behind every command of Millrace: `--kafka localhost:9092`
 */
export async function followQuickstart(behind = ''): Promise<Step[]> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-quickstart-'))
  const terminals = new Map<string, Terminal>()
  const steps: Step[] = []
  try {
    const env = { ...process.env, NODE_OPTIONS: '', PATH: `${prepare(directory, behind)}:${process.env['PATH'] ?? ''}` }
    const blocks = blocksOf(readFileSync(join(root, 'docs/quickstart.md'), 'utf8'))
    for (const [index, { language, mark, text }] of blocks.entries()) {
      const terminal = /^terminal=(.+)$/.exec(mark)?.[1]
      if (language === 'ts') writeFileSync(join(directory, `${mark}.ts`), text)
      else if (terminal !== undefined) terminals.set(terminal, new Terminal(text, directory, env))
      else if (language === 'interrupt') await terminals.get(mark)?.interrupt()
      else if (language === 'sh') {
        const next = blocks[index + 1]
        const done = promisify(execFile)('bash', ['-euo', 'pipefail', '-c', text], { cwd: directory, env })
        const { stdout } = await Promise.race([done, ...[...terminals.values()].map(({ failed }) => failed)])
        steps.push({ commands: text, printed: stdout, shown: next?.language === 'text' ? next.text : undefined })
      }
    }
    return steps
  } finally {
    for (const terminal of terminals.values()) terminal.kill()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Makes a package of a directory, and returns where the command is. */
export function prepare(directory: string, behind: string): string {
  writeFileSync(join(directory, 'package.json'), '{ "type": "module" }')
  mkdirSync(join(directory, 'node_modules/.bin'), { recursive: true })
  symlinkSync(root, join(directory, 'node_modules/millrace'))
  const bin = join(directory, 'node_modules/.bin')
  const command = `'${process.execPath}' --conditions=millrace-source '${join(root, 'src/cli/main.ts')}'`
  writeFileSync(join(bin, 'millrace'), `#!/bin/sh\nexec ${command} "$@" ${behind}\n`)
  chmodSync(join(bin, 'millrace'), 0o755)
  return bin
}

/** A command that runs on while others are given. */
class Terminal {
  /** Rejects when the command ends without being interrupted. */
  readonly failed: Promise<never>
  readonly #child: ChildProcess
  #isInterrupted = false
  #errors = ''

  constructor(command: string, cwd: string, env: NodeJS.ProcessEnv) {
    this.#child = spawn('bash', ['-c', `exec ${command}`], { cwd, env, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child.stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()))
    this.failed = new Promise((_resolve, reject) => {
      this.#child.once('exit', (code) => {
        if (!this.#isInterrupted) reject(new Error(`${command} ended with ${code}:\n${this.#errors}`))
      })
    })
    this.failed.catch(() => {})
  }

  async interrupt(): Promise<void> {
    this.#isInterrupted = true
    const ended = once(this.#child, 'exit')
    this.#child.kill('SIGINT')
    const [code] = (await ended) as [number | null]
    if (code !== 0) throw new Error(`interrupted, it ended with ${code}:\n${this.#errors}`)
  }

  kill(): void {
    this.#isInterrupted = true
    this.#child.kill('SIGKILL')
  }
}

export function blocksOf(page: string): Block[] {
  const found = page.matchAll(/^```(\w+) ?(\S*)\n([\s\S]*?)^```$|^<!-- interrupt (\w+) -->$/gm)
  return [...found].map(([, language = 'interrupt', mark = '', text = '', terminal]) => {
    return { language, mark: terminal ?? mark, text }
  })
}
