import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { filesRound } from './files/round.ts'

test('lines come through a topic into a file once each, whatever is killed, renamed or truncated', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-faults-files-'))
  const result = await filesRound({ seed: 1, directory, brokers: undefined, lines: 5000, faults: 4 })
  expect(result).toMatchObject({ lost: 0, doubled: 0, torn: 0 })
  rmSync(directory, { recursive: true, force: true })
})
