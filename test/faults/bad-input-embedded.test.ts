import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { embeddedLog } from 'millrace'
import { runMillrace } from '../cli/cli-process.ts'
import { badInputPromises, damage } from './bad-input-promises.ts'

const open = (data: string) => embeddedLog({ directory: join(data, 'log') })

describe('millrace run on the embedded log', { timeout: 120_000 }, () => {
  badInputPromises(() => ({ prefix: '', args: [], open }))
})

describe('a log directory', () => {
  let data: string
  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'millrace-log-directory-'))
  })
  afterEach(() => rmSync(data, { recursive: true, force: true }))

  async function failure(code: string): Promise<void> {
    const app = join(import.meta.dirname, 'fixtures/sums.ts')
    const { code: exit, stderr } = await runMillrace('run', app, '--data', data)
    expect(stderr).toMatch(new RegExp(`^error ${code}: .*${join(data, 'log')}`, 'm'))
    expect(stderr.match(/^error /gm)).toHaveLength(1)
    expect(stderr).toMatch(/^ {2}hint: \S/m)
    expect(exit).toBe(1)
  }

  test('that is damaged', async () => {
    await (await open(data)).close()
    damage(join(data, 'log/data'))
    await failure('MR_STATE_CORRUPT')
  })

  test('that holds something else', async () => {
    mkdirSync(join(data, 'log'))
    writeFileSync(join(data, 'log/diary.txt'), 'dear diary')
    await failure('MR_STATE_FOREIGN')
  })

  test('that a newer version wrote', async () => {
    mkdirSync(join(data, 'log'))
    const marker = { kind: 'millrace-log', format: 99, engine: 'rocksdb' }
    writeFileSync(join(data, 'log/millrace-log.json'), JSON.stringify(marker))
    await failure('MR_STATE_FOREIGN')
  })
})
