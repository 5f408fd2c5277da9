import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedLog } from 'millrace'
import type { Log, StreamsOptions } from 'millrace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { kafka } from '../../src/kafka/index.ts'
import { planReset } from '../../src/admin/plan-reset.ts'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'
import { Clicks } from './clicks.ts'

const before = 'KSTREAM-AGGREGATE-STATE-STORE-0000000002'
const now = 'KSTREAM-AGGREGATE-STATE-STORE-0000000001'

describe.each(['embedded', 'kafka'] as const)('on the %s log', (kind) => {
  const id = uniqueName('renamed')
  const clicks = new Clicks(id)
  const directory = mkdtempSync(join(tmpdir(), 'millrace-renamed-'))
  let log: Log
  let options: StreamsOptions

  beforeAll(async () => {
    log =
      kind === 'embedded'
        ? await embeddedLog({ directory: join(directory, 'log') })
        : kafka({ brokers: await sharedBroker() })
    options = { log, stateDirectory: join(directory, 'state') }
    await clicks.createTopics(log)
  })
  afterAll(async () => {
    await log.close()
    rmSync(directory, { recursive: true, force: true })
  })

  test('refuses changed generated names, and goes on with the state once the store has its old name', async () => {
    await clicks.click(log, 100, 105)
    await clicks.run(clicks.app(undefined, 'peek'), options, 2)
    await clicks.click(log, 108)

    await expect(clicks.run(clicks.app(undefined, 'nothing'), options, 1)).rejects.toMatchObject({
      code: 'MR_TOPOLOGY_RENAMED',
      message: expect.stringContaining(
        `"${id}-${before}-changelog" is not used any more, and "${id}-${now}-changelog" would begin empty`,
      ),
      hint: expect.stringContaining(`store: '${before}'`),
      topic: `${id}-${before}-changelog`,
    })
    expect((await log.listTopics()).filter((name) => name.startsWith(id))).toEqual([`${id}-${before}-changelog`])

    rmSync(join(directory, 'state'), { recursive: true })
    await clicks.run(clicks.app(before, 'nothing'), options, 1)
    expect((await clicks.lastCounts(log)).get(98)).toBe(3)
  })

  test('plans a reset that deletes the changelog of the old name', async () => {
    const { internalTopics, otherTopics } = await planReset(
      clicks.app(undefined, 'nothing'),
      log,
      join(directory, 'state'),
    )
    expect({ internalTopics, otherTopics }).toEqual({ internalTopics: [`${id}-${before}-changelog`], otherTopics: [] })
  })
})
