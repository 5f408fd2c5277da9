import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fixture, runMillrace } from './cli-process.ts'

const place = mkdtempSync(join(tmpdir(), 'millrace-diff-'))
const words = fixture('words.ts')
const numbers = fixture('numbers.ts')
const saved = join(place, 'words.json')

beforeAll(async () => {
  const { stdout } = await runMillrace('describe', words, '--json')
  writeFileSync(saved, stdout)
})
afterAll(() => rmSync(place, { recursive: true, force: true }))

test('diff of a saved description and the same application says what is kept, and exits with 0', async () => {
  const { code, stdout, stderr } = await runMillrace('diff', saved, words)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toBe(`word-count keeps its state

Keeps
  application: word-count
  store: counts
  repartition topic: counts-repartition
  sub-topologies: 0, 1
  source topic: words
  output topic: counts

Instances of both versions can run side by side: replace one after the other.
`)
})

test('diff of another application says what would be lost, and exits with 1', async () => {
  const text = await runMillrace('diff', words, numbers)
  expect(text.code).toBe(1)
  expect(text.stdout).toContain('Loses state\n  renamed     application word-count\n')
  expect(text.stderr).toMatch(
    /^error MR_UPGRADE_LOSES_STATE: the new version would lose state of application word-count, /,
  )
  const json = await runMillrace('diff', words, numbers, '--json')
  expect(json.code).toBe(1)
  expect(JSON.parse(json.stdout)).toMatchObject({ losesState: true, application: { before: 'word-count' } })
})

test.each([
  ['no JSON', '{'],
  ['no description', '{"stores": []}'],
])('diff refuses a file with %s', async (_what, text) => {
  const file = join(place, 'other.json')
  writeFileSync(file, text)
  const { code, stdout, stderr } = await runMillrace('diff', file, words)
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toMatch(/^error MR_UPGRADE_DESCRIPTION: .*(other\.json is not JSON|is no description)/)
})

test('diff says that a file is missing', async () => {
  const { code, stderr } = await runMillrace('diff', join(place, 'none.json'), words)
  expect(code).toBe(1)
  expect(stderr).toMatch(/^error MR_APP_MISSING/)
})
