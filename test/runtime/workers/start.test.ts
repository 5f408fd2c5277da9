import { memoryEngine } from 'millrace'
import type { EngineFactory } from 'millrace'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../../src/platform/clock.ts'
import { fixture, SumsCase, until } from './sums-case.ts'

let sums: SumsCase
beforeEach(async () => {
  sums = await SumsCase.create()
  vi.stubEnv('TEST_BROKERS', sums.brokers)
})
afterEach(() => sums[Symbol.asyncDispose]())

describe('several threads on Kafka are refused with what to do', () => {
  test('if the module of the application is not given', async () => {
    const { log, directory } = sums
    const { Streams } = await import('millrace')
    await expect(Streams.start(sums.app(), { log, stateDirectory: directory })).rejects.toMatchObject({
      code: 'MR_THREAD_MODULE',
      hint: expect.stringContaining('module: import.meta.url'),
    })
    expect(sums.workers).toEqual([])
  })

  test.each([
    ['that is not a URL', './sums.ts', 'MR_CONFIG', /import\.meta\.url/],
    ['that does not exist', fixture('nowhere.ts'), 'MR_APP_LOAD', /Install the packages that it imports/],
    ['that exports no application', fixture('nothing.ts'), 'MR_APP_DEFAULT', /export default defineApp/],
    ['that makes another application in each thread', fixture('changing.ts'), 'MR_THREAD_MODULE', /same application/],
    [
      'that starts the application when a thread imports it',
      fixture('starts-itself.ts'),
      'MR_THREAD_MODULE',
      /isMainThread/,
    ],
  ])('if the module is one %s', async (_, module, code, hint) => {
    await expect(sums.start(undefined, { module })).rejects.toMatchObject({ code, hint: expect.stringMatching(hint) })
    await until(() => sums.alive.length === 0)
    // The state directory is free again.
    await (await sums.start()).close()
  })

  test('if the module exports another application than the one that is started', async () => {
    const other = { ...sums.app(), id: `${sums.prefix}other` }
    await expect(sums.start(other)).rejects.toMatchObject({ code: 'MR_THREAD_MODULE', hint: expect.any(String) })
  })

  test('if the log holds functions, unless the module exports a log', async () => {
    const { log } = await import('./fixtures/with-log.ts')
    await expect(sums.start(undefined, { log })).rejects.toMatchObject({
      code: 'MR_THREAD_LOG',
      hint: expect.stringContaining('export const log = kafka('),
    })
    const streams = await sums.start(undefined, { log, module: fixture('with-log.ts') })
    await sums.pay(100)
    await until(() => sums.allShown())
    await streams.close()
    await log.close()
  })

  test('if an option is for one event loop', async () => {
    await expect(sums.start(undefined, { clock: systemClock })).rejects.toMatchObject({ code: 'MR_CONFIG' })
    const engine: EngineFactory = { ...memoryEngine }
    await expect(sums.start(undefined, { engine })).rejects.toMatchObject({
      code: 'MR_CONFIG',
      hint: expect.stringContaining("'rocksdb'"),
    })
  })
})
