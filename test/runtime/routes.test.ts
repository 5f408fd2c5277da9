import { describe, expect, test } from 'vitest'
import { parseTaskId, type Endpoint, type Route } from '../../src/group/group.ts'
import { Routes } from '../../src/runtime/routes/routes.ts'
import { internalTopic, subtopology } from '../log/log-harness.ts'

const [one, two] = ['10.0.0.1:8080', '10.0.0.2:8080']

function route(endpoint: Endpoint, active: string, standby = ''): Route {
  const tasks = (list: string) => list.split(' ').flatMap((text) => parseTaskId(text) ?? [])
  return { endpoint, active: tasks(active), standby: tasks(standby) }
}

function routes(...given: Route[]): Routes {
  const all = new Routes([
    subtopology(0, ['payments', 'refunds']),
    subtopology(1, [], { repartitionSourceTopics: [internalTopic('app-by-account-repartition')] }),
  ])
  all.replace(given)
  return all
}

describe('routes', () => {
  test('lead from a partition of any topic that a task reads to the instances that have its stores', () => {
    const known = routes(route(one, '0_0 1_1', '1_0'), route(two, '0_1 1_0', '1_1'))
    expect(known.hostsOf('payments', 1)).toEqual({ active: two, standbys: [] })
    expect(known.hostsOf('refunds', 0)).toEqual({ active: one, standbys: [] })
    expect(known.hostsOf('app-by-account-repartition', 0)).toEqual({ active: two, standbys: [one] })
  })

  test('of the threads of one instance are one', () => {
    const known = routes(route(one, '0_10', '1_1'), route(two, '0_0'), route(one, '0_2', '1_1 1_0'))
    expect(known.all).toEqual([route(one, '0_2 0_10', '1_0 1_1'), route(two, '0_0')])
    expect(known.hostsOf('app-by-account-repartition', 1)).toEqual({ active: undefined, standbys: [one] })
  })

  test('are all replaced by newer ones, and lead nowhere for what nobody has', () => {
    const known = routes(route(one, '0_0'), route(two, '0_1', '0_0'))
    expect([known.isKnown(one), known.isKnown(two)]).toEqual([true, true])
    known.replace([route(two, '0_0')])
    expect([known.isKnown(one), known.isKnown(two), known.isKnown('evil:80')]).toEqual([false, true, false])
    const nowhere = { active: undefined, standbys: [] }
    expect(known.hostsOf('payments', 0)).toEqual({ active: two, standbys: [] })
    expect(known.hostsOf('payments', 1)).toEqual(nowhere)
    expect(known.hostsOf('unknown', 0)).toEqual(nowhere)
  })
})
