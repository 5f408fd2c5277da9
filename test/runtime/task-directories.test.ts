import { cp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StateCase } from './support/state-case.ts'

const ENGINES = ['rocksdb', 'level'] as const

let state: StateCase
beforeEach(async () => {
  state = await StateCase.create(2)
})
afterEach(() => state[Symbol.asyncDispose]())

async function copyOver(from: number, to: number): Promise<void> {
  await rm(state.task(to), { recursive: true })
  await cp(state.task(from), state.task(to), { recursive: true })
}

describe('the directory of another partition', () => {
  test.each(ENGINES)(
    'is not trusted: it is deleted, and the state is restored from the changelog (%s)',
    async (engine) => {
      await state.pay(200)
      await state.run({}, { engine })
      await copyOver(1, 0)
      await state.pay(50)
      const { from, warnings } = await state.run({}, { engine })
      expect(from).toEqual(new Map([[0, 0]]))
      expect(warnings).toEqual([expect.stringMatching(/deleted and restored.*0_0.*the state of task 0_1 of summing/)])
      expect(await state.shown()).toEqual(state.expected())
      expect((await state.run({}, { engine })).warnings).toEqual([])
    },
  )

  test('is not trusted with the marker of the right one either', async () => {
    await state.pay(200)
    await state.run()
    const marker = await readFile(join(state.task(0), 'millrace-task.json'))
    await copyOver(1, 0)
    await writeFile(join(state.task(0), 'millrace-task.json'), marker)
    await state.pay(50)
    expect((await state.run()).warnings).toEqual([expect.stringMatching(/deleted and restored/)])
    expect(await state.shown()).toEqual(state.expected())
  })

  test('in another application is not trusted', async () => {
    await state.pay(200)
    await state.run()
    await cp(state.task(0), join(state.stateDirectory, 'copied', '0_0'), { recursive: true })
    const { warnings } = await state.run({ id: 'copied' })
    expect(warnings).toEqual([expect.stringMatching(/deleted and restored.*0_0 of summing, not of task 0_0 of copied/)])
  })

  test('is left alone if nothing else has the state of its store', async () => {
    await state.pay(200)
    await state.run({}, {}, false)
    await rename(state.task(0), `${state.task(0)}-kept`)
    await cp(state.task(1), state.task(0), { recursive: true })
    await state.pay(50)
    const streams = await state.start(state.app({}, false))
    await expect(streams.closed).rejects.toMatchObject({
      code: 'MR_STATE_FOREIGN',
      task: '0_0',
      message: expect.stringMatching(/task 0_1 of summing, not of task 0_0.*sums cannot be restored/),
      hint: expect.stringMatching(/Nothing was deleted. Put the state back/),
    })
    await rm(state.task(0), { recursive: true })
    await rename(`${state.task(0)}-kept`, state.task(0))
    await state.run({}, {}, false)
    expect(await state.shown()).toEqual(state.expected())
  })
})

describe('a damaged task store is deleted and restored, whatever the engine calls it', () => {
  /** Bytes before the end of a table: in its footer; an index or what describes it; a filter; rows. */
  const PLACES = { rocksdb: [60], level: [4, 55, 100, 400] }

  test.each(ENGINES.flatMap((engine) => PLACES[engine].map((place) => [engine, place] as const)))(
    'of %s, %d bytes before the end of its table, though the block could be read',
    async (engine, place) => {
      await state.pay(200)
      await state.run({}, { engine })
      // What was written last lies in the log of the engine until it is opened again.
      await state.run({}, { engine })
      let damaged = 0
      for (const name of await readdir(state.task(0))) {
        if (!/\.(sst|ldb)$/.test(name)) continue
        const path = join(state.task(0), name)
        const bytes = await readFile(path)
        bytes[bytes.length - place]! ^= 0x10
        await writeFile(path, bytes)
        damaged++
      }
      expect(damaged).toBe(1)
      await state.pay(50)
      const { from, warnings } = await state.run({}, { engine })
      expect(from).toEqual(new Map([[0, 0]]))
      expect(warnings).toEqual([expect.stringMatching(/deleted and restored.*found damage in .*0_0/)])
      expect(await state.shown()).toEqual(state.expected())
    },
  )
})

describe('a damaged marker is no reason to stop, nor to restore', () => {
  test.each([
    ['empty', ''],
    ['cut', '{"kind":"millrace-ta'],
    ['of zeros', '\0\0\0\0\0\0'],
    ['null', 'null'],
    ['of an engine that does not exist', '{"kind":"millrace-task","format":1,"engine":"rocksdc"}'],
    ['missing', undefined],
  ])('%s', async (_, text) => {
    await state.pay(100)
    await state.run({}, {}, false)
    const marker = join(state.task(0), 'millrace-task.json')
    const before = await readFile(marker, 'utf8')
    if (text === undefined) await rm(marker)
    else await writeFile(marker, text)
    await state.pay(50)
    const { warnings } = await state.run({}, {}, false)
    expect(warnings).toEqual([expect.stringMatching(/millrace-task.json is missing or damaged.*0_0/)])
    expect(await state.shown()).toEqual(state.expected())
    expect(await readFile(marker, 'utf8')).toBe(before)
  })

  test.each(ENGINES)('and does not hide that another engine wrote the rows (%s)', async (engine) => {
    await state.pay(100)
    await state.run({}, { engine })
    await writeFile(join(state.task(0), 'millrace-task.json'), '')
    const other = engine === 'level' ? 'rocksdb' : 'level'
    const { from, warnings } = await state.run({}, { engine: other })
    expect([...from.keys()].toSorted()).toEqual([0, 1])
    expect(warnings.filter((line) => line.includes(`was written by the engine ${engine}`))).toHaveLength(2)
    expect(await state.shown()).toEqual(state.expected())
  })
})
