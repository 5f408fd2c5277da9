import { join } from 'node:path'
import type { Instance, Streams } from 'millrace'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PARTITIONS, SumsCase, until } from './sums-case.ts'

let sums: SumsCase
beforeEach(async () => {
  sums = await SumsCase.create()
})
afterEach(() => sums[Symbol.asyncDispose]())

const allTasks = [0, 1].flatMap((id) => Array.from({ length: PARTITIONS }, (_, partition) => `${id}_${partition}`))
const here = (streams: Streams): Instance => streams.instances()[0]!

test('instances know what each other has, whether their threads are workers or not', async () => {
  const start = (name: string, threads: number, advertise: string): Promise<Streams> => {
    const stateDirectory = join(sums.directory, name)
    return sums.start(sums.app({ threads, standbyReplicas: 1 }), { stateDirectory, advertise })
  }
  const one = await start('one', 1, '10.0.0.1:8080')
  const two = await start('two', 2, '[2001:db8:0::2]:8080')
  await until(() => {
    const [first, second] = [here(one), here(two)]
    const seen = [one.instances(), two.instances()]
    return (
      [...first.active, ...second.active].toSorted().join() === allTasks.join() &&
      [first, second].every(({ active, standby }) => active.length > 0 && standby.length > 0) &&
      JSON.stringify(seen) ===
        JSON.stringify([
          [first, { ...second, isLocal: false }],
          [second, { ...first, isLocal: false }],
        ])
    )
  })
  expect([one, two].map((streams) => streams.instances().map(({ isLocal }) => isLocal))).toEqual([
    [true, false],
    [true, false],
  ])
  expect(here(two).endpoint).toBe('[2001:db8::2]:8080')
  // The changelog of the other instance's tasks, and not of its own.
  expect(here(one).standby).toEqual(here(two).active.filter((task) => task.startsWith('1_')))

  await two.close()
  await until(() => here(one).active.length === allTasks.length && one.instances().length === 1)
})
