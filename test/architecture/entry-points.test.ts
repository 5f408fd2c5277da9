import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '..', '..')
const SERVER = /\/src\/server\/|\/node_modules\/(hono|@hono|@asteasolutions|zod)\//

/** Runs a program in a process of its own, and returns the files that it loaded, by `import` and by `require`. */
async function filesLoadedBy(program: string): Promise<readonly string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-loaded-'))
  const recorded = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({
      load(url, context, next) {
        loaded.push(url)
        return next(url, context)
      },
    })
    const state = ${JSON.stringify(directory)}
    ${program}
    process.stdout.write(JSON.stringify(loaded), () => process.exit())
  `
  const options = ['--conditions=millrace-source', '--input-type=module', '--eval', recorded]
  try {
    const { stdout } = await promisify(execFile)(process.execPath, options, { cwd: root, env: { PATH: '' } })
    return JSON.parse(stdout)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const START = `
  const { defineApp, memoryLog, Streams, string, topic } = await import('millrace')
  const words = topic('words', { key: string(), value: string() })
  const log = memoryLog()
  await log.createTopics([{ name: 'words', partitions: 1 }])
  const app = defineApp({ id: 'words', build: (builder) => void builder.table(words, { store: 'words' }) })
  const streams = await Streams.start(app, { log, stateDirectory: state })
  await streams.whenRunning()
`

test('an application without a server loads nothing of it', async () => {
  const loaded = await filesLoadedBy(`${START} await streams.close()`)
  expect(loaded.some((url) => url.endsWith('/src/runtime/streams.ts'))).toBe(true)
  expect(loaded.filter((url) => SERVER.test(url))).toEqual([])
})

test('an application with a server loads what it is made of', async () => {
  const loaded = await filesLoadedBy(`
    ${START}
    const { serve } = await import('millrace/server')
    await serve(streams, { listen: 'none' })
    await streams.close()
  `)
  for (const part of ['/src/server/serve.ts', '/node_modules/hono/', '/node_modules/zod/']) {
    expect(loaded.some((url) => url.includes(part))).toBe(true)
  }
})

test('the command loads the server with --http alone', async () => {
  const loaded = await filesLoadedBy(`
    const { runCli } = await import('./src/cli/program.ts')
    await import('./src/cli/run-command.ts')
    console.log = () => {}
    await runCli(['describe', 'test/cli/fixtures/words.ts', '--json'])
  `)
  expect(loaded.some((url) => url.endsWith('/src/cli/run-command.ts'))).toBe(true)
  expect(loaded.filter((url) => SERVER.test(url))).toEqual([])
})
