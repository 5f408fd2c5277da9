import { describe, expect, test, vi } from 'vitest'
import { silentLogger } from 'millrace'
import type { GroupInstance } from '../../src/group/group-instances.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { GroupLook } from '../../src/runtime/routes/group-look.ts'
import { Routes } from '../../src/runtime/routes/routes.ts'

const task = { subtopology: 0, partition: 0 }
const [one, two] = ['10.0.0.1:8080', '10.0.0.2:8080']

function instance(processId: string, endpoint: string | undefined): GroupInstance {
  return { processId, endpoint, active: [task], standby: [] }
}

function look(groupInstances: () => Promise<readonly GroupInstance[]>) {
  let now = 0
  const routes = new Routes()
  const warn = vi.fn<(fields: object, message: string) => void>()
  const asked = vi.fn<() => Promise<readonly GroupInstance[]>>(groupInstances)
  const group = new GroupLook({
    applicationId: 'app',
    log: { groupInstances: asked },
    routes,
    clock: { ...systemClock, monotonic: () => now },
    logger: { ...silentLogger, warn },
  })
  routes.replace([{ endpoint: one, active: [task], standby: [] }])
  /** Doubts after so many ms, and waits for what comes of it. */
  const doubtAfter = async (ms: number): Promise<boolean> => {
    now += ms
    const isNew = group.doubt()
    await new Promise((resolve) => setImmediate(resolve))
    return isNew
  }
  return { routes, warn, asked, doubtAfter }
}

describe('an instance that doubts its routes', () => {
  test('asks the group where its tasks are, at most once a second, and goes by what it says', async () => {
    const { routes, asked, doubtAfter } = look(async () => [instance('b', two), instance('c', undefined)])
    await doubtAfter(5000)
    expect(routes.hostsOf(task)).toEqual({ active: two, standbys: [] })
    for (const ms of [0, 500, 499]) await doubtAfter(ms)
    expect(asked).toHaveBeenCalledTimes(1)
    await doubtAfter(1)
    expect(asked).toHaveBeenCalledTimes(2)
  })

  test('keeps them while the group has nobody, and says whether they are new', async () => {
    let found: readonly GroupInstance[] = []
    const { routes, doubtAfter } = look(async () => found)
    expect(await doubtAfter(5000)).toBe(false)
    expect(routes.hostsOf(task)).toEqual({ active: one, standbys: [] })
    found = [instance('b', two)]
    await doubtAfter(1000)
    expect(await doubtAfter(500)).toBe(true)
    expect(routes.hostsOf(task)).toEqual({ active: two, standbys: [] })
  })

  test('keeps them if the group does not answer, and asks again', async () => {
    const { routes, asked, doubtAfter } = look(() => Promise.reject(new Error('no broker')))
    await doubtAfter(5000)
    await doubtAfter(1000)
    expect(asked).toHaveBeenCalledTimes(2)
    expect(routes.hostsOf(task)).toEqual({ active: one, standbys: [] })
  })

  test('warns once of two processes that go on to advertise one address', async () => {
    const group = [instance('a', one), instance('b', one)]
    const { warn, doubtAfter } = look(async () => group)
    await doubtAfter(5000)
    await doubtAfter(59_000)
    const killed = group.pop()!
    await doubtAfter(1000)
    group.push(killed)
    for (const ms of [1000, 59_000]) await doubtAfter(ms)
    expect(warn).not.toHaveBeenCalled()
    for (const ms of [1000, 60_000]) await doubtAfter(ms)
    expect(warn.mock.calls).toEqual([
      [{ endpoint: one, processes: ['a', 'b'] }, 'several instances advertise one address: queries fail there'],
    ])
  })
})
