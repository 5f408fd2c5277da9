import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, embeddedLog, Streams, string, topic, TopicWriter } from 'millrace'
import type { EngineName } from 'millrace'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

const words = topic('words', { key: string(), value: string() })
const app = defineApp({
  id: 'counting',
  commitInterval: 10,
  build: (builder) => void builder.stream(words).groupByKey().count({ store: 'counts' }),
})

let directory: string
let before: number
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-modes-'))
  chmodSync(directory, 0o755)
  before = process.umask(0o022)
})
afterEach(() => {
  process.umask(before)
  rmSync(directory, { recursive: true, force: true })
})

/** Runs an application on an embedded log until it has counted, and closes both. */
async function run(engine: EngineName, fileMode?: 'owner' | 'group'): Promise<void> {
  const mode = fileMode === undefined ? {} : { fileMode }
  const log = await embeddedLog({ directory: join(directory, 'log'), engine, ...mode })
  if ((await log.describeTopics(['words'])).size === 0) await log.createTopics([{ name: 'words', partitions: 1 }])
  const writer = await TopicWriter.open(log, words)
  writer.write('a', '1')
  await writer.flush()
  const streams = await Streams.start(app, { log, engine, stateDirectory: join(directory, 'state'), ...mode })
  await expect.poll(() => streams.status().processed, { timeout: 10_000 }).toBe(1)
  await streams.close()
  await writer.close()
  await log.close()
}

/** Octal modes of all directories and files, by path. */
function modes(): Map<string, string> {
  const paths = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return new Map(paths.map((path) => [path, (statSync(join(directory, path)).mode & 0o777).toString(8)]))
}

function kinds(): { readonly directories: Set<string>; readonly files: Set<string> } {
  const directories = new Set<string>()
  const files = new Set<string>()
  for (const [path, mode] of modes()) {
    ;(statSync(join(directory, path)).isDirectory() ? directories : files).add(mode)
  }
  return { directories, files }
}

describe.each(['rocksdb', 'level'] as const)('state and logs on %s', (engine) => {
  test('are for the user alone, also where the umask would let others read', async () => {
    await run(engine)
    expect(kinds()).toEqual({ directories: new Set(['700']), files: new Set(['600']) })
  })

  test("may be read by the user's group if that is asked for", async () => {
    await run(engine, 'group')
    expect(kinds()).toEqual({ directories: new Set(['750']), files: new Set(['640']) })
  })

  test('keep the modes that they have, and are not refused for them; what is new is for the user alone', async () => {
    for (const path of ['state', 'log']) mkdirSync(join(directory, path), { mode: 0o777 })
    for (const path of ['state', 'log']) chmodSync(join(directory, path), 0o777)
    await run(engine)
    const old = [...modes().keys()]
    for (const path of old)
      chmodSync(join(directory, path), statSync(join(directory, path)).isDirectory() ? 0o777 : 0o666)
    const identityOf = (path: string): string => {
      const { ino, birthtimeNs } = statSync(join(directory, path), { bigint: true })
      return `${ino} ${birthtimeNs}`
    }
    const known = new Set(old.map(identityOf))
    await run(engine)
    for (const [path, mode] of modes()) {
      const stats = statSync(join(directory, path))
      const isKept = known.has(identityOf(path)) || path.endsWith('.json')
      expect([path, mode]).toEqual([path, isKept ? (stats.isDirectory() ? '777' : '666') : '600'])
    }
  })
})
