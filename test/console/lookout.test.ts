import { afterAll, beforeAll, expect, test } from 'vitest'
import { MillraceError } from 'millrace'
import { Lookout } from '../../src/server/routes/console/lookout.ts'
import { viewOf } from '../../src/server/routes/console/instance-view.ts'
import type { SeenInstance } from '../../src/server/routes/console/shown.ts'
import type { Served } from '../../src/server/http/route.ts'
import { Running, until } from '../server/support.ts'

const OTHER = '10.0.0.2:8080'

let running: Running
beforeAll(async () => {
  running = await Running.start()
})
afterAll(() => running[Symbol.asyncDispose]())

/** A lookout of an application with another instance, which answers as `read` says. */
function lookoutOn(read: (number: number) => Promise<unknown>): { readonly lookout: Lookout; reads(): number } {
  let reads = 0
  const { streams } = running
  const others = [{ endpoint: OTHER, isLocal: false, active: ['0_1'], standby: [] }]
  const seen: Partial<Served['streams']> = {
    app: streams.app,
    log: streams.log,
    status: () => streams.status(),
    health: () => streams.health(),
    metrics: () => streams.metrics(),
    restores: () => streams.restores(),
    state: streams.state,
    instances: () => [...streams.instances(), ...others],
    peers: { door: streams.peers.door, read: () => read(++reads) },
  }
  const served = { ...running.served, streams: seen as Served['streams'] }
  return { lookout: new Lookout(served), reads: () => reads }
}

async function other(lookout: Lookout): Promise<SeenInstance> {
  const { instances } = await lookout.look()
  return instances.find(({ endpoint }) => endpoint === OTHER)!
}

test('all who look in a second share one question to each instance', async () => {
  const { lookout, reads } = lookoutOn(async () => viewOf(running.served))
  const rounds = await Promise.all(Array.from({ length: 20 }, () => lookout.look()))
  expect(reads()).toBeLessThanOrEqual(2)
  expect(new Set(rounds).size).toBe(reads())
  expect(rounds[0]?.instances.map(({ isLocal, view }) => [isLocal, view?.app])).toEqual([
    [true, 'word-counts'],
    [false, 'word-counts'],
  ])
})

test('nobody is asked once those who looked have left', async () => {
  const { lookout, reads } = lookoutOn(async () => viewOf(running.served))
  const abort = new AbortController()
  for await (const { instances } of lookout.follow(abort.signal)) {
    expect(instances).toHaveLength(2)
    break
  }
  abort.abort()
  await expect(lookout.follow(abort.signal).next()).rejects.toThrow('aborted')
  expect(reads()).toBe(1)
})

test('an instance that owes an answer keeps nobody waiting, and is shown by what the group says', async () => {
  const answer = Promise.withResolvers<unknown>()
  const { lookout, reads } = lookoutOn(() => answer.promise)
  const silent = await other(lookout)
  expect(silent).toEqual({ endpoint: OTHER, isLocal: false, active: ['0_1'], standby: [] })
  const first = (await lookout.look()).at
  await until(async () => (await lookout.look()).at > first)
  expect(reads()).toBe(1)
  answer.resolve(viewOf(running.served))
  await until(async () => (await other(lookout)).view !== undefined)
})

test('an instance that fails is shown with its problem and what it showed last, until it answers again', async () => {
  const { lookout } = lookoutOn(async (number) => {
    if (number === 2) throw new MillraceError('MR_QUERY_PEER', 'it does not answer', { hint: 'Ask again.' })
    return viewOf(running.served)
  })
  expect((await other(lookout)).problem).toBeUndefined()
  await until(async () => (await other(lookout)).problem !== undefined)
  const failed = await other(lookout)
  expect(failed.problem).toMatchObject({ code: 'MR_QUERY_PEER', detail: 'it does not answer', hint: 'Ask again.' })
  expect(failed.view?.app).toBe('word-counts')
  await until(async () => (await other(lookout)).problem === undefined)
})

test('an instance of another application is not shown as one of this', async () => {
  const { lookout } = lookoutOn(async () => ({ ...viewOf(running.served), app: 'another' }))
  const { problem, view } = await other(lookout)
  expect(problem).toMatchObject({ code: 'MR_QUERY_PEER', detail: `the instance at ${OTHER} is one of another` })
  expect(view).toBeUndefined()
})

test('what answers something else is a problem of that instance', async () => {
  const { lookout } = lookoutOn(async () => JSON.parse('{'))
  expect((await other(lookout)).problem).toMatchObject({ code: 'MR_QUERY_PEER' })
})
