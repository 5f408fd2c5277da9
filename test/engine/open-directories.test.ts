import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { defineApp, embeddedLog, memoryLog, Streams, string, topic } from 'millrace'
import type { EngineName } from 'millrace'
import { chooseEngine } from '../../src/engine/choice/choose-engine.ts'

const script = fileURLToPath(new URL('./open-and-tell.ts', import.meta.url))
const LOCKED = { code: 'MR_STATE_LOCKED' }

let root: string
let directory: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-paths-'))
  directory = join(root, 'data', 'log')
  mkdirSync(directory, { recursive: true })
  symlinkSync('log', join(root, 'data', 'link'))
  symlinkSync(join(root, 'data'), join(root, 'linked-parent'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

/** Other paths of the directory. */
const spellings = (): readonly string[] => [
  relative('.', directory),
  `./${relative('.', directory)}`,
  `${directory}/`,
  directory.replace('/data/', '//data//'),
  join(root, 'data', 'link'),
  join(root, 'linked-parent', 'log'),
  `${root}/linked-parent/link/../log/.`,
]

async function openInThread(engine: EngineName, path: string): Promise<unknown> {
  const worker = new Worker(script, { workerData: [engine, path] })
  try {
    return await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
  } finally {
    await worker.terminate()
  }
}

async function openInProcess(engine: EngineName, path: string): Promise<string> {
  const args = [...process.execArgv, script, engine, path]
  return (await promisify(execFile)(process.execPath, args)).stdout.trim()
}

describe.each(['rocksdb', 'level'] as const)('a directory that is open in %s', (name) => {
  test('is refused under every other path, and is free again when it is closed', async () => {
    const { factory } = await chooseEngine(name)
    const engine = await factory.open(directory)
    for (const path of [directory, ...spellings()]) {
      await expect(async () => factory.open(path)).rejects.toMatchObject(LOCKED)
    }
    // The same happens with a second mount of the same disk.
    renameSync(join(root, 'data'), join(root, 'renamed'))
    await expect(async () => factory.open(join(root, 'renamed', 'log'))).rejects.toMatchObject(LOCKED)
    renameSync(join(root, 'renamed'), join(root, 'data'))
    await engine.close()
    await (await factory.open(join(root, 'data', 'link'))).close()
  })

  test('is refused to another thread of the process and to another process, by a link too', async () => {
    const { factory } = await chooseEngine(name)
    const engine = await factory.open(directory)
    for (const path of [directory, join(root, 'linked-parent', 'link')]) {
      expect(await openInThread(name, path)).toBe('MR_STATE_LOCKED')
      expect(await openInProcess(name, path)).toBe('MR_STATE_LOCKED')
    }
    await engine.close()
    expect(await openInThread(name, directory)).toBe('open')
  })

  test('is refused as a log that is not shared and as the state of a second application', async () => {
    const log = await embeddedLog({ directory, engine: name, attach: false })
    for (const path of spellings()) {
      await expect(embeddedLog({ directory: path, attach: false })).rejects.toMatchObject({
        ...LOCKED,
        message: expect.stringContaining(path),
      })
    }
    await log.close()

    const words = topic('words', { key: string(), value: string() })
    const app = defineApp({ id: 'counts', build: (b) => void b.stream(words).groupByKey().count({ store: 'counts' }) })
    const [first, second] = [memoryLog(), memoryLog()]
    for (const each of [first, second]) await each.createTopics([{ name: 'words', partitions: 1 }])
    const state = join(root, 'data')
    const streams = await Streams.start(app, { log: first, engine: name, stateDirectory: state })
    await streams.whenRunning()
    for (const path of [`${state}/`, relative('.', state), join(root, 'linked-parent')]) {
      const again = Streams.start(app, { log: second, engine: name, stateDirectory: path })
      await expect(again).rejects.toMatchObject(LOCKED)
    }
    await streams.close()
    expect(readdirSync(state)).toContain('counts')
  })

  test('is one log under every path', async () => {
    const log = await embeddedLog({ directory, engine: name })
    await log.createTopics([{ name: 'words', partitions: 1 }])
    for (const path of spellings()) {
      const other = await embeddedLog({ directory: path })
      expect(await other.listTopics()).toEqual(['words'])
      await other.close()
    }
    await log.close()
  })
})
