import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import { nodeTooOld } from '../../src/platform/node-version.ts'
import { CliProcess } from './cli-process.ts'
import type { CliResult } from './cli-process.ts'

const app = join(import.meta.dirname, '../faults/fixtures/sums.ts')
const WITHOUT_ROCKSDB = { NODE_OPTIONS: `--require ${join(import.meta.dirname, 'without-rocksdb.cjs')}` }

let data: string
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'millrace-engine-'))
})
afterEach(() => rmSync(data, { recursive: true, force: true }))

function run(env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  return new CliProcess(['run', app, '--data', data, '--for', '300ms'], env).result()
}

function files(directory: string): Map<string, number> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' })
  return new Map(names.map((name) => [name, statSync(join(directory, name)).mtimeMs]))
}

describe('where RocksDB has no binary', () => {
  test('one line says that LevelDB is used; RocksDB logs are refused, state is restored with a warning', async () => {
    const first = await run()
    expect(first.stderr).toMatch(/^starting .*engine=rocksdb/m)
    const before = files(join(data, 'log'))
    const refused = await run(WITHOUT_ROCKSDB)
    expect(refused.stderr).toMatch(/^error MR_STATE_ENGINE: .*log is kept by the engine rocksdb/m)
    expect(refused.stderr).toMatch(/^ {2}hint: \S/m)
    expect(refused.code).toBe(1)
    expect(files(join(data, 'log'))).toEqual(before)

    rmSync(join(data, 'log'), { recursive: true })
    const { stderr, code } = await run(WITHOUT_ROCKSDB)
    expect(stderr.match(/RocksDB does not load on .*LevelDB/g)).toHaveLength(1)
    expect(stderr).toMatch(/^starting .*engine=level/m)
    expect(stderr).toMatch(/deleted and restored.*was written by the engine rocksdb/)
    expect(code).toBe(0)
  })

  test('the package installs all the same: its binding is optional, that of LevelDB is not', () => {
    expect(Object.keys(manifest.optionalDependencies)).toEqual(['@nxtedition/rocksdb'])
    expect(Object.keys(manifest.dependencies)).toContain('classic-level')
    expect(Object.keys(manifest.dependencies)).not.toContain('@nxtedition/rocksdb')
  })
})

describe('a Node that is too old', () => {
  test('is reported in one line, by the command and when the library is imported', async () => {
    const script = "Object.defineProperty(process.versions,'node',{value:'20.1.0'})"
    const old = `--import data:text/javascript,${encodeURIComponent(script)}`
    const message = 'Millrace needs Node 22.22 or later, or 24.6 or later; this is Node 20.1.0'
    expect(await new CliProcess(['--version'], { NODE_OPTIONS: old }).result()).toEqual({
      code: 1,
      stdout: '',
      stderr: `error MR_NODE_VERSION: ${message}\n`,
    })
    const versions = process.versions.node
    Object.defineProperty(process.versions, 'node', { value: '20.1.0' })
    try {
      await expect(import('../../src/platform/require-node.ts')).rejects.toMatchObject({
        code: 'MR_NODE_VERSION',
        stack: `MillraceError: ${message}`,
      })
    } finally {
      Object.defineProperty(process.versions, 'node', { value: versions })
    }
  })

  test('is one outside the range that the package names', () => {
    expect(manifest.engines.node).toBe('>=22.22.0 <23 || >=24.6.0')
    for (const version of ['22.22.0', '22.30.1', '24.6.0', '24.21.0', '25.0.0'])
      expect(nodeTooOld(version)).toBeUndefined()
    for (const version of ['16.20.2', '20.20.2', '22.21.9', '23.11.0', '24.5.0'])
      expect(nodeTooOld(version)).toContain(version)
  })

  test('can link every module that is loaded before, which no named import of something newer would let it', () => {
    const names = 'enableCompileCache|flushCompileCache|findPackageJSON|registerHooks|zstd\\w+|crc32'
    const newer = new RegExp(`import \\{[^}]*\\b(${names})\\b[^}]*\\} from 'node:`)
    const src = join(import.meta.dirname, '../../src')
    const modules = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
    expect(modules.filter((name) => newer.test(readFileSync(join(src, name), 'utf8')))).toEqual([])
    for (const entry of ['index.ts', 'kafka/index.ts', 'testing/index.ts']) {
      expect(readFileSync(join(src, entry), 'utf8')).toMatch(/^import '.*platform\/require-node.ts'\n/)
    }
  })
})
