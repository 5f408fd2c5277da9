import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { CliProcess, fixture, type CliResult } from './cli-process.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Runs a command as a user with this home and no settings. Everybody can write to the temporary directory. */
function describeWords(home: string): Promise<CliResult> {
  const temporary = join(directory, 'tmp')
  mkdirSync(join(temporary, 'node-compile-cache'), { recursive: true })
  chmodSync(temporary, 0o1777)
  const env = { HOME: home, TMPDIR: temporary, XDG_CACHE_HOME: undefined, NODE_COMPILE_CACHE: undefined }
  return new CliProcess(['describe', fixture('words.ts')], env).result()
}

function newHome(name: string): { home: string; cache: string } {
  const home = join(directory, name)
  mkdirSync(home)
  return { home, cache: join(home, '.cache/millrace/compile-cache') }
}

test('what a command has compiled is kept for the next one, where only its user can write', async () => {
  const { home, cache } = newHome('home')
  const first = await describeWords(home)
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(readdirSync(cache)).toHaveLength(1)
  expect(statSync(cache).mode & 0o777).toBe(0o700)
  expect(await describeWords(home)).toEqual(first)
  expect(readdirSync(join(directory, 'tmp/node-compile-cache'))).toEqual([])
})

test.each<[what: string, prepare: (place: { home: string; cache: string }) => void]>([
  [
    'others can write to it',
    ({ cache }) => {
      mkdirSync(cache, { recursive: true })
      chmodSync(cache, 0o777)
    },
  ],
  [
    'others can write to the directory above it',
    ({ cache }) => {
      mkdirSync(cache, { recursive: true })
      chmodSync(join(cache, '..'), 0o777)
    },
  ],
  [
    'it leads to a directory that others can write to',
    ({ home, cache }) => {
      mkdirSync(join(home, 'open'))
      chmodSync(join(home, 'open'), 0o777)
      mkdirSync(join(cache, '..'), { recursive: true })
      symlinkSync(join(home, 'open'), cache)
    },
  ],
])('a directory for it is not used when %s', async (what, prepare) => {
  const place = newHome(what)
  prepare(place)
  expect(await describeWords(place.home)).toMatchObject({ code: 0, stderr: '' })
  expect(readdirSync(place.cache)).toEqual([])
})

test('where there is no place for it, commands run as they do elsewhere', async () => {
  const file = join(directory, 'file')
  writeFileSync(file, '')
  expect(await describeWords(file)).toMatchObject({ code: 0, stderr: '' })
  expect(existsSync(join(directory, '.cache'))).toBe(false)
})
