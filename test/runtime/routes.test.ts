import { describe, expect, test } from 'vitest'
import { parseTaskId, type Endpoint, type Route, type TaskId } from '../../src/group/group.ts'
import { Routes } from '../../src/runtime/routes/routes.ts'

const [one, two] = ['10.0.0.1:8080', '10.0.0.2:8080']

function route(endpoint: Endpoint, active: string, standby = ''): Route {
  const tasks = (list: string) => list.split(' ').flatMap((text) => parseTaskId(text) ?? [])
  return { endpoint, active: tasks(active), standby: tasks(standby) }
}

function task(text: string): TaskId {
  const id = parseTaskId(text)
  if (id === undefined) throw new Error(`${text} is no task`)
  return id
}

function routes(...given: Route[]): Routes {
  const all = new Routes()
  all.replace(given)
  return all
}

describe('routes', () => {
  test('lead from a task to the instances that have its stores', () => {
    const known = routes(route(one, '0_0 1_1', '1_0'), route(two, '0_1 1_0', '1_1'))
    expect(known.hostsOf(task('0_1'))).toEqual({ active: two, standbys: [] })
    expect(known.hostsOf(task('1_0'))).toEqual({ active: two, standbys: [one] })
  })

  test('of the threads of one instance are one', () => {
    const known = routes(route(one, '0_10', '1_1'), route(two, '0_0'), route(one, '0_2', '1_1 1_0'))
    expect(known.all).toEqual([route(one, '0_2 0_10', '1_0 1_1'), route(two, '0_0')])
    expect(known.hostsOf(task('1_1'))).toEqual({ active: undefined, standbys: [one] })
  })

  test('are all replaced by newer ones, and lead nowhere for what nobody has', () => {
    const known = routes(route(one, '0_0'), route(two, '0_1', '0_0'))
    known.replace([route(two, '0_0')])
    const nowhere = { active: undefined, standbys: [] }
    expect(known.hostsOf(task('0_0'))).toEqual({ active: two, standbys: [] })
    expect(known.hostsOf(task('0_1'))).toEqual(nowhere)
    expect(known.hostsOf(task('7_0'))).toEqual(nowhere)
  })
})
