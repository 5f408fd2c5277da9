import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { embeddedLog } from 'millrace'
import { runConnectors } from 'millrace/connect'
import files from './connect.ts'

const before = process.cwd()
let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-example-'))
  process.chdir(directory)
})
afterEach(() => {
  process.chdir(before)
  rmSync(directory, { recursive: true })
})

test('the lines of test.txt are in test.sink.txt, and those that are appended come behind them', async () => {
  const log = await embeddedLog({ directory: 'log' })
  writeFileSync('test.txt', 'foo\nbar\n')
  await (
    await runConnectors(files, { log, untilEnd: true })
  ).closed
  expect(readFileSync('test.sink.txt', 'utf8')).toBe('foo\nbar\n')
  appendFileSync('test.txt', 'Another line\n')
  await (
    await runConnectors(files, { log, untilEnd: true })
  ).closed
  expect(readFileSync('test.sink.txt', 'utf8')).toBe('foo\nbar\nAnother line\n')
  await log.close()
})
