import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Browser } from 'playwright-core'
import { describeJson } from '../../src/topology/describe/describe-json.ts'
import { until } from '../server/support.ts'
import { LOOKS, openBrowser, Seen } from './browser.ts'
import { RunningOrders } from './running.ts'

/** Orders a second. */
const RATE = 200

let browser: Browser
let running: RunningOrders
let seen: Seen
beforeAll(async () => {
  ;[browser, running] = await Promise.all([openBrowser(), RunningOrders.start()])
  running.feed(RATE)
  seen = await Seen.open(browser, { url: running.url })
})
afterEach(() => seen.requireNoFaults())
afterAll(async () => {
  await browser.close()
  await running[Symbol.asyncDispose]()
})

describe('the topology', () => {
  test('is that of describe: every node, every edge, and the topics between sub-topologies', async () => {
    const { page } = seen
    await page.waitForSelector('[data-edge]', { state: 'attached' })
    const nodes = describeJson(running.streams.topology).subtopologies.flatMap((each) => [...each.nodes])
    const edges = nodes.flatMap((node) => {
      if (node.kind !== 'sink') return node.children.map((child) => `${node.name} ${child}`)
      const readers = nodes.filter((each) => each.kind === 'source' && each.topics.includes(node.topic ?? ''))
      return readers.map(({ name }) => `${node.name} ${name}`)
    })
    const shown = (name: string): Promise<string[]> =>
      page.$$eval(`[data-${name}]`, (all, name) => all.map((each) => each.getAttribute(`data-${name}`) ?? ''), name)
    expect((await shown('node')).toSorted()).toEqual(nodes.map(({ name }) => name).toSorted())
    expect((await shown('edge')).toSorted()).toEqual(edges.toSorted())
    expect(edges.some((edge) => edge.includes('repartition-sink'))).toBe(true)
  })

  test('has the rate at which records are processed, within a tenth', async () => {
    const rate = measured()
    await until(async () => {
      const shown = Number(await seen.page.textContent('[data-figure="Records a second"]').catch(() => ''))
      return Math.abs(shown - rate()) < rate() / 10
    })
  })

  test('has what flows into a node and out of it, within a tenth', async () => {
    await seen.show('topology/is-large', 'aside[aria-label="Node is-large"]')
    const fact = async (name: string): Promise<number> =>
      Number.parseFloat((await seen.page.textContent(`aside dt:text-is("${name}") + dd`)) ?? '')
    const isNear = (shown: number, rate: number): boolean => Math.abs(shown - rate) < rate / 10
    await until(async () => isNear(await fact('In'), RATE) && isNear(await fact('Passed on'), RATE / 10))
    const width = async (edge: string): Promise<number> => {
      const path = `document.querySelector('[data-edge="${edge}"] .bed')`
      return (await seen.page.evaluate(`parseFloat(getComputedStyle(${path}).strokeWidth)`)) as number
    }
    expect(await width('check is-large')).toBeGreaterThan(await width('is-large KSTREAM-SINK-0000000003'))
    await seen.show('topology', 'aside[aria-label="Where the time goes"]')
  })

  test('shows a node that is chosen, by mouse and by keyboard, and is left by Escape', async () => {
    const { page } = seen
    await page.click('[data-node="check"]')
    await page.waitForSelector('aside[aria-label="Node check"]')
    await page.keyboard.press('Escape')
    await page.waitForSelector('aside[aria-label="Where the time goes"]')
    await page.focus('[data-node="is-large"]')
    await page.keyboard.press('Enter')
    await page.waitForSelector('aside[aria-label="Node is-large"]')
    expect(page.url()).toBe(`${running.url}#/topology/is-large`)
  })
})

/** Measures what is processed a second from now on. */
function measured(): () => number {
  const [time, processed] = [performance.now(), running.streams.status().processed]
  return () => ((running.streams.status().processed - processed) / (performance.now() - time)) * 1000
}

test('tasks are those that run, with the records that each of them has processed', async () => {
  const { page } = seen
  await seen.show('tasks', '[data-task]')
  const { tasks } = running.streams.status()
  const shown = await page.$$eval('[data-task]', (rows) => rows.map((row) => row.getAttribute('data-task')))
  expect(shown).toEqual(tasks.map(({ id }) => id).toSorted())
  for (const { id } of tasks) {
    await until(async () => {
      const before = processedBy(id)
      const text = await page.textContent(`[data-task="${id}"] .task-title`)
      const counted = Number(text?.replaceAll(/\D/g, ''))
      // What is shown is a second old at most, or two where the machine is busy.
      return counted > before - 5 * RATE && counted <= processedBy(id)
    })
  }
})

function processedBy(task: string): number {
  return running.streams.status().tasks.find(({ id }) => id === task)?.processed ?? 0
}

test('health has every check of every probe, and the settings without secrets', async () => {
  const { page } = seen
  await seen.show('health', '.probe')
  const { live, ready, startup } = running.streams.health()
  const shown = await page.$$eval('.probe', (probes) => {
    return probes.map((probe) => [...probe.querySelectorAll('li')].map((each) => each.textContent))
  })
  expect(shown.map(({ length }) => length)).toEqual([live, ready, startup].map(({ checks }) => checks.length))
  expect(await page.textContent('.settings')).toContain('exactly_once')
})

/** Each page, and what it has when all of it is there. */
const PAGES = [
  ['topology', '.node'],
  ['tasks', '[data-task]'],
  ['stores', '[data-row]'],
  ['topics', '[data-record]'],
  ['letters', '.list'],
  ['health', '.probe'],
] as const

test.each(LOOKS)('every page is without barriers in the %s theme on a %s screen', async (theme, size) => {
  await seen.look(theme, size)
  const found: Record<string, object> = {}
  for (const [page, selector] of PAGES) {
    await seen.show(page, selector)
    found[page] = { violations: await seen.violations(), overflow: await seen.overflow() }
    await seen.keep(`${page}-${theme}-${size}`)
  }
  const fine = { violations: [], overflow: 0 }
  expect(found).toEqual(Object.fromEntries(PAGES.map(([page]) => [page, fine])))
})

test('the theme is that of the system until the other one is chosen, which lasts', async () => {
  const { page } = seen
  await seen.look('light', 'wide')
  const shown = (): Promise<string> => page.evaluate('document.documentElement.dataset.theme')
  expect(await shown()).toBe('light')
  await page.click('button[aria-label="Show the dark theme"]')
  await page.reload()
  expect(await shown()).toBe('dark')
  await page.evaluate('localStorage.clear()')
})
