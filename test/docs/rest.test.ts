import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { blocksOf, prepare } from './quickstart.ts'
import { root } from './snippets.ts'

const CURSOR = /"cursor":"[^"]+"/

test('every line of the page about topics over HTTP does what it says, with millrace run', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-rest-'))
  const env = { ...process.env, NODE_OPTIONS: '', PATH: `${prepare(directory, '')}:${process.env['PATH'] ?? ''}` }
  symlinkSync(join(root, 'node_modules/zod'), join(directory, 'node_modules/zod'))
  const blocks = blocksOf(readFileSync(join(root, 'docs/rest.md'), 'utf8'))
  for (const { language, mark, text } of blocks)
    if (language === 'ts') writeFileSync(join(directory, `${mark}.ts`), text)
  const run = blocks
    .find(({ language }) => language === 'console')!
    .text.replace('$ ', '')
    .replace('8080', '0')
  const app = spawn('bash', ['-c', `exec ${run.trim()} --log-format json`], { cwd: directory, env })
  try {
    let url = ''
    for await (const line of createInterface(app.stderr)) {
      url = /"url":"http:\/\/([^"]+)"/.exec(line)?.[1] ?? ''
      if (url !== '') break
    }
    app.stderr.resume()
    const lines = blocks.filter(({ language }) => language === 'sh' || language === 'text')
    const shown: string[] = []
    const printed: string[] = []
    for (const { language, text } of lines) {
      if (language === 'text') shown.push(text)
      else {
        const commands = text.replaceAll('localhost:8080', url)
        const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', commands], {
          cwd: directory,
          env,
        })
        printed.push(`${stdout.trimEnd()}\n`.replace(CURSOR, '"cursor":"…"'))
      }
    }
    expect(printed).toEqual(shown)
    expect(shown.length).toBeGreaterThan(7)
  } finally {
    if (app.exitCode === null) {
      const ended = once(app, 'exit')
      app.kill('SIGTERM')
      await ended
    }
    rmSync(directory, { recursive: true, force: true })
  }
})
