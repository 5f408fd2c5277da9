import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedLog, string, topic, TopicWriter } from 'millrace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../server/support.ts'
import { CliProcess } from './cli-process.ts'

const root = join(import.meta.dirname, '../..')
let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-dev-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const app = `
  import { defineApp, string, topic } from 'millrace'
  import { shown } from './lib/shown.ts'

  const words = topic('words', { key: string(), value: string() })
  export default defineApp({
    id: 'dev',
    build: (builder) => {
      const byWord = builder.stream(words).groupBy((word) => shown(word), { key: string() })
      byWord.count({ store: 'counts' })
    },
  })
`
const shown = (expression: string): string => `export const shown = (word: string): string => ${expression}\n`

/** A package with an application that counts words, three of which are in its log. */
async function newPackage(name: string): Promise<string> {
  const place = join(directory, name)
  mkdirSync(join(place, 'lib'), { recursive: true })
  mkdirSync(join(place, 'node_modules'))
  symlinkSync(root, join(place, 'node_modules/millrace'))
  writeFileSync(join(place, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(place, 'app.ts'), app)
  writeFileSync(join(place, 'lib/shown.ts'), shown('word'))
  const log = await embeddedLog({ directory: join(place, '.millrace/log') })
  await log.createTopics([{ name: 'words', partitions: 1 }])
  const writer = await TopicWriter.open(log, topic('words', { key: string(), value: string() }))
  for (const word of ['rye', 'oats', 'rye']) writer.write(null, word)
  await writer.close()
  await log.close()
  return place
}

class Dev {
  readonly place: string
  readonly cli: CliProcess

  constructor(place: string, ...options: readonly string[]) {
    this.place = place
    this.cli = new CliProcess(['dev', join(place, 'app.ts'), '--data', join(place, '.millrace'), ...options])
  }

  /** The addresses that were served so far, one for each run. */
  get urls(): string[] {
    return [...this.cli.stderr.matchAll(/^serving HTTP url=(\S+)/gm)].map(([, url]) => url!)
  }

  async runs(count: number): Promise<void> {
    await until(() => this.urls.length >= count)
  }

  /** Returns the count of a word; undefined while it cannot be had. */
  async count(word: string): Promise<unknown> {
    try {
      const response = await fetch(`${this.urls.at(-1)}/v1/stores/counts/entries/${word}`)
      return response.ok ? ((await response.json()) as { value: unknown }).value : undefined
    } catch {
      return undefined
    }
  }

  write(file: string, text: string): void {
    writeFileSync(join(this.place, file), text)
  }
}

describe('millrace dev', () => {
  test('runs an application again when a file changes, with its state and its address, until Ctrl-C', async () => {
    const dev = new Dev(await newPackage('changes'))
    await dev.runs(1)
    await until(async () => (await dev.count('rye')) === 2)

    dev.write('lib/shown.ts', shown('word.toUpperCase()'))
    await dev.runs(2)
    // What was counted before is not counted again.
    await until(async () => (await dev.count('rye')) === 2)
    expect(await dev.count('RYE')).toBeUndefined()
    expect(dev.cli.stderr).toContain('lib/shown.ts')

    dev.write('lib/shown.ts', 'export const shown = (')
    await dev.cli.stderrMatches(/MR_APP_LOAD[\s\S]*waiting for a file to change/)
    dev.write('lib/shown.ts', shown('word'))
    await dev.runs(3)
    await until(async () => (await dev.count('oats')) === 1)
    expect(new Set(dev.urls).size).toBe(1)

    dev.cli.signal('SIGINT')
    expect((await dev.cli.result()).code).toBe(0)
    expect(dev.cli.stderr.match(/^closing reason="?interrupted/gm)).toHaveLength(3)
  })

  test('takes another port if 8080 is taken, and its application ends with it, even by kill -9', async () => {
    const taken = createServer()
      .listen(8080, '127.0.0.1')
      .on('error', () => {})
    const place = await newPackage('killed')
    const dev = new Dev(place)
    await dev.runs(1)
    expect(dev.urls[0]).not.toContain(':8080')
    taken.close()
    dev.cli.signal('SIGKILL')
    // Its log is free again.
    await until(async () => {
      try {
        await (await embeddedLog({ directory: join(place, '.millrace/log') })).close()
        return true
      } catch {
        return false
      }
    })
  })

  test('refuses a file that is not there at once', async () => {
    const dev = new Dev(join(directory, 'nowhere'))
    expect(await dev.cli.result()).toMatchObject({ code: 1, stderr: expect.stringContaining('MR_APP_MISSING') })
  })
})
