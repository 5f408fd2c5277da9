import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DSL_CLASSES, PUBLIC } from './files.ts'
import { fileCycles, folderCycles, importsOf, isInside, roomOf, sources } from './imports.ts'
import { complaint, unused } from './law.ts'
import { rooms } from './rooms.ts'
import { withRooms } from './rooms-page.ts'

const root = join(import.meta.dirname, '..', '..')
const files = sources()
const imports = importsOf(files)

describe('the law of the arrows', () => {
  test('every import of src goes where rooms.ts allows', () => {
    expect(imports.map(complaint).filter((text) => text !== undefined)).toEqual([])
  })

  test('every arrow that is allowed is used', () => {
    expect(unused(imports)).toEqual([])
  })

  test('every folder with files is a room, and every room a folder with files', () => {
    expect(Object.keys(rooms).sort()).toEqual([...new Set([...files.keys()].map(roomOf))].sort())
  })

  test('files import in no circle by value', () => {
    expect(fileCycles(imports.filter(({ type }) => !type))).toEqual([])
  })

  test('files import in no circle by type, but for the classes of the DSL, which return one another', () => {
    expect(fileCycles(imports)).toEqual([DSL_CLASSES])
  })

  test.each([1, 2, 3, 4])('folders import in no circle, seen %i deep', (depth) => {
    expect(folderCycles(imports, depth)).toEqual([])
  })
})

describe('what users may import', () => {
  test('is called index.ts, as the package says', () => {
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
    const sources = Object.values<{ 'millrace-source'?: string }>(exports).map((entry) => entry['millrace-source'])
    expect(sources.filter((path) => path !== undefined)).toEqual(PUBLIC.map((path) => `./src/${path}`))
    expect([...files.keys()].filter((file) => file.endsWith('index.ts'))).toEqual(PUBLIC.toSorted())
  })

  test('is imported by nothing inside, but by the command', () => {
    const inside = imports.filter((one) => isInside(one) && PUBLIC.includes(one.target) && roomOf(one.file) !== 'cli')
    expect(inside).toEqual([])
  })
})

test('docs/architecture.md shows the rooms and what they know as the law has them', async () => {
  const page = join(root, 'docs', 'architecture.md')
  await expect(withRooms(readFileSync(page, 'utf8'))).toMatchFileSnapshot(page)
})

/** A foreign type for a file of each kind of room. Each import breaks a promise of the page. */
const WRONG: readonly (readonly [file: string, target: string])[] = [
  ['record/change.ts', 'runtime/task/task.ts'],
  ['platform/clock.ts', 'kafka/cluster/cluster.ts'],
  ['state/states.ts', 'operators/operator.ts'],
  ['errors/millrace-error.ts', 'platform/clock.ts'],
  ['options/option.ts', 'serde/serde.ts'],
  ['windowing/session.ts', 'topology/topology.ts'],
  ['serde/json.ts', 'state/states.ts'],
  ['engine/engine.ts', 'engine/rocksdb/rocksdb.ts'],
  ['engine/rocksdb/rocksdb.ts', 'state/environment.ts'],
  ['group/group.ts', 'log/log.ts'],
  ['log/log.ts', 'log/local/local-log.ts'],
  ['log/embedded/embedded-log.ts', 'kafka/cluster/cluster.ts'],
  ['topology/topology.ts', 'dsl/kstream.ts'],
  ['topology/compile/topology-writer.ts', 'topology/graph/graph-node.ts'],
  ['dsl/nodes/merge.ts', 'dsl/kstream.ts'],
  ['dsl/kstream.ts', 'operators/stateless/filter.ts'],
  ['operators/window/session-aggregate.ts', 'runtime/task/task.ts'],
  ['state/entries/entry-store.ts', 'state/window/timed-entry-store.ts'],
  ['runtime/task/task.ts', 'runtime/thread/stream-thread.ts'],
  ['runtime/streams.ts', 'kafka/client/kafka-log.ts'],
  ['kafka/records/cursor.ts', 'kafka/fetch/fetcher.ts'],
  ['kafka/group/classic/classic-protocol.ts', 'log/local/group-coordinator.ts'],
  ['cli/run-command.ts', 'runtime/task/task.ts'],
]

describe('the law catches', () => {
  test.each(WRONG)('%s importing a type of %s', (file, target) => {
    const text = files.get(file)
    expect(text).toBeDefined()
    expect(files.has(target)).toBe(true)
    const up = '../'.repeat(file.split('/').length - 1)
    const changed = importsOf(new Map([[file, `import type * as Wrong from '${up}${target}'\n${text}`]]))
    expect(changed.map(complaint).filter((found) => found !== undefined)).toEqual([
      expect.stringContaining(`src/${file}:1 imports ${target}: `),
    ])
  })

  test.each([
    ['export type { Task } from "../runtime/task/task.ts"'],
    ['export * from "../runtime/task/task.ts"'],
    ['let task: import("../runtime/task/task.ts").Task'],
    ['const task = await import("../runtime/task/task.ts")'],
    ['const worker = new URL("../runtime/task/task.ts", import.meta.url)'],
  ])('%s', (line) => {
    const changed = importsOf(new Map([['record/change.ts', `${line}\n`]]))
    expect(changed.map(complaint)).toEqual([expect.stringContaining('record/change.ts:1 imports runtime/task/task.ts')])
  })

  test('a circle of two files, and of two folders', () => {
    const circle = importsOf(
      new Map([
        ['a/one.ts', "import type { Two } from '../b/two.ts'\n"],
        ['b/two.ts', "import { one } from '../a/one.ts'\n"],
      ]),
    )
    expect(fileCycles(circle)).toEqual([['a/one.ts', 'b/two.ts']])
    expect(fileCycles(circle.filter(({ type }) => !type))).toEqual([])
    expect(folderCycles(circle, 1)).toEqual([['a', 'b']])
  })
})
