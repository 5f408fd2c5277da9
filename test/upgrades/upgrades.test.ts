import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { embeddedLog } from 'millrace'
import { recordingLogger } from '../runtime/support/state-case.ts'
import { outputsOf, rounds, runShop, writeRound } from './shop.ts'

const fixtures = fileURLToPath(new URL('./fixtures/', import.meta.url))
const releases = readdirSync(fixtures).flatMap((name) => /^(.+)-answers\.json$/.exec(name)?.[1] ?? [])

describe.each(releases)('a log and a state directory of %s', (release) => {
  const answers: Record<string, unknown> = JSON.parse(readFileSync(join(fixtures, `${release}-answers.json`), 'utf8'))

  describe.each(['rocksdb', 'level'] as const)('in %s', (engine) => {
    let directory: string
    beforeEach(() => {
      directory = mkdtempSync(join(tmpdir(), 'millrace-upgrade-'))
      execFileSync('tar', ['-xzf', join(fixtures, `${release}-${engine}.tar.gz`), '-C', directory])
    })
    afterEach(() => rmSync(directory, { recursive: true, force: true }))

    /** Goes on with today's code. */
    const goOn = async () => {
      const log = await embeddedLog({ directory: join(directory, 'log') })
      await writeRound(log, rounds.inFixtures)
      const { logger, warnings } = recordingLogger()
      const restored = await runShop(log, logger, { engine, stateDirectory: join(directory, 'state') })
      const outputs = await outputsOf(log)
      await log.close()
      return { restored, warnings, outputs }
    }

    test('open and go on to the output that the release itself would have had, with nothing restored', async () => {
      const { restored, warnings, outputs } = await goOn()
      expect(outputs).toEqual(answers)
      expect(restored).toBe(0)
      // An unpacked archive counts as a copy.
      expect(warnings).toEqual([expect.stringContaining('the state directory was copied or moved here')])
    })

    test('have everything in the log: without the state directory the output is the same, restored', async () => {
      rmSync(join(directory, 'state', 'shop'), { recursive: true })
      const { restored, outputs } = await goOn()
      // The one store without a changelog begins again.
      expect({ ...outputs, firsts: answers.firsts }).toEqual(answers)
      expect(restored).toBeGreaterThan(300)
    })
  })
})
