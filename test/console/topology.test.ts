import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { TopicWriter } from 'millrace'
import { serve, type Server } from 'millrace/server'
import { buildConsole } from '../../console/build.ts'
import { Running, until, words } from '../server/support.ts'
import { LOOKS, openBrowser, Seen } from './browser.ts'

const SUBTOPOLOGIES = 4
const FILTERS = 16
/** Words a second. */
const RATE = 100

let browser: Browser
let running: Running
let server: Server
let feeding: NodeJS.Timeout
beforeAll(async () => {
  ;[browser] = await Promise.all([openBrowser(), buildConsole()])
  running = await Running.start({
    build: (builder) => {
      let stream = builder.stream(words)
      for (let part = 0; part < SUBTOPOLOGIES; part++) {
        if (part > 0) stream = stream.repartition({ name: `part-${part}` })
        for (let at = 0; at < FILTERS; at++) stream = stream.filter(() => true, { name: `filter-${part}-${at}` })
      }
    },
  })
  server = await serve(running.streams, { listen: '127.0.0.1:0', auth: 'none' })
  const writer = await TopicWriter.open(running.streams.log, words)
  const begun = performance.now()
  let written = 0
  feeding = setInterval(() => {
    for (; written < ((performance.now() - begun) / 1000) * RATE; written++) writer.write(`word-${written}`, 'word')
    void writer.flush()
  }, 50)
})
afterAll(async () => {
  clearInterval(feeding)
  await browser.close()
  await running[Symbol.asyncDispose]()
})

test('a topology of more than 60 nodes is shown by sub-topologies, which are unfolded and folded again', async () => {
  await using seen = await Seen.open(browser, { url: `${server.address!.url}/console/` })
  const { page } = seen
  const nodes = (): Promise<string[]> =>
    page.$$eval('[data-node]', (all) => all.map((each) => each.getAttribute('data-node') ?? ''))
  const folded = Array.from({ length: SUBTOPOLOGIES }, (_, id) => `sub-topology ${id}`)
  await page.waitForSelector('[data-node]')
  expect((await nodes()).toSorted()).toEqual(folded)
  expect(await page.textContent('[data-node="sub-topology 0"]')).toContain(`${FILTERS + 3} nodes`)
  // What flows from one to the next goes through a topic.
  await page.waitForSelector('[data-edge="sub-topology 0 sub-topology 1"].flowing', { state: 'attached' })
  const rates = (): Promise<number[]> => page.$$eval('.rate', (all) => all.map((each) => Number(each.textContent)))
  await until(async () => {
    const shown = await rates()
    return shown.length === SUBTOPOLOGIES - 1 && shown.every((rate) => Math.abs(rate - RATE) < RATE / 5)
  })
  for (const [theme, size] of LOOKS) {
    await seen.look(theme, size)
    expect([theme, size, await seen.violations(), await seen.overflow()]).toEqual([theme, size, [], 0])
    await seen.keep(`folded-${theme}-${size}`)
  }
  await seen.look('dark', 'wide')

  await page.focus('[data-node="sub-topology 1"]')
  await page.keyboard.press('Enter')
  await page.waitForSelector(`[data-node="filter-1-${FILTERS - 1}"]`)
  // With its source, and what leads to the next one.
  expect((await nodes()).length).toBe(SUBTOPOLOGIES - 1 + FILTERS + 3)
  await seen.keep('unfolded')
  await page.focus('.group button')
  await page.keyboard.press('Enter')
  await until(async () => (await nodes()).toSorted().join() === folded.join())
  seen.requireNoFaults()
})

test('a link to a node of a sub-topology that is folded shows the node', async () => {
  await using seen = await Seen.open(browser, { url: `${server.address!.url}/console/#/topology/filter-2-3` })
  await seen.page.waitForSelector('[data-node="filter-2-3"][aria-current]')
  await seen.page.waitForSelector('aside[aria-label="Node filter-2-3"]')
  seen.requireNoFaults()
})

test('all that can be used is reached by the Tab key alone, in an order, and is seen to have the focus', async () => {
  await using seen = await Seen.open(browser, { url: `${server.address!.url}/console/` })
  const { page } = seen
  await page.waitForSelector('[data-node]')
  const reachable = 'a[href], button:not(:disabled), input, select, textarea, [tabindex="0"]'
  for (const place of ['topology', 'tasks', 'stores', 'topics', 'letters', 'health']) {
    await seen.show(place, `.tabs a[aria-current][href="#/${place}"]`)
    // A page that was just loaded has the focus nowhere.
    await page.reload()
    await page.waitForSelector(`.tabs a[aria-current][href="#/${place}"]`)
    await page.waitForSelector('main > :is(.page, .empty)')
    const expected = await page.$$eval(reachable, (all) => {
      return all.filter((each) => each.checkVisibility({ visibilityProperty: true })).length
    })
    const reached = new Set<string>()
    for (let press = 0; press < expected; press++) {
      await page.keyboard.press('Tab')
      reached.add((await page.evaluate(focused)) as string)
    }
    expect([place, [...reached].filter((each) => each.startsWith('unseen'))]).toEqual([place, []])
    expect([place, reached.size]).toEqual([place, expected])
  }
})

/** Says which element has the focus, and whether that can be seen. */
const focused = `(() => {
  const { activeElement } = document
  const { outlineStyle, outlineWidth } = getComputedStyle(activeElement)
  const isSeen = outlineStyle !== 'none' && parseFloat(outlineWidth) > 0
  const at = [...document.querySelectorAll('*')].indexOf(activeElement)
  return (isSeen ? '' : 'unseen: ') + at + ' ' + activeElement.outerHTML.slice(0, 80)
})()`
