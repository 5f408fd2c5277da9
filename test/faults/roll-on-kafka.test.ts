import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { sharedBroker } from '../kafka/broker/index.ts'
import { roll } from './roll/roll.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-roll-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('three instances are replaced by a version with another shape of values, and no request fails', async () => {
  const result = await roll({ brokers: await sharedBroker(), groupProtocol: 'streams', directory, rolls: 1 })
  expect(result).toMatchObject({ failed: 0, failures: [], wrong: [] })
  expect(result.asked).toBeGreaterThan(200)
  for (const share of result.shares) expect(share).toBeGreaterThan(0)
})
