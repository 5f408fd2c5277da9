import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { CliProcess, fixture, type CliResult } from './cli-process.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-cli-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** A command of a user who has set nothing, with this directory for temporary files. */
function describeWords(temporary: string): Promise<CliResult> {
  const env = { TMPDIR: temporary, NODE_COMPILE_CACHE: undefined }
  return new CliProcess(['describe', fixture('words.ts')], env).result()
}

test('what a command has compiled is kept for the next one', async () => {
  const first = await describeWords(directory)
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(readdirSync(join(directory, 'node-compile-cache'))).toHaveLength(1)
  expect(await describeWords(directory)).toEqual(first)
})

test('where there is no place for it, commands run as they do elsewhere', async () => {
  const file = join(directory, 'file')
  writeFileSync(file, '')
  expect(await describeWords(file)).toEqual(await describeWords(directory))
})
