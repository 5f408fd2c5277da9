import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Browser, Page } from 'playwright-core'
import type { KeyValueView } from 'millrace'
import { until } from '../server/support.ts'
import { REFUSED, SLOW, topicsOf } from './app.ts'
import { openBrowser, Seen } from './browser.ts'
import { RunningOrders } from './running.ts'

const CUSTOMERS = ['alice', 'bob', 'carol', 'dave']

let browser: Browser
let running: RunningOrders
let seen: Seen
let page: Page
beforeAll(async () => {
  ;[browser, running] = await Promise.all([openBrowser(), RunningOrders.start()])
  for (const [index, customer] of CUSTOMERS.entries()) {
    for (let number = 0; number <= index; number++) {
      await running.write(`${customer}-${number}`, { customer, cents: 100 * number + 1 }, 60_000 * number + 1)
    }
  }
  await running.write('bad-order', { customer: 'mallory', cents: REFUSED }, 5)
  await until(async () => (await total('dave')) === 4)
  seen = await Seen.open(browser, { url: running.url, expected: /status of 404/ })
  page = seen.page
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
})
afterEach(() => seen.requireNoFaults())
afterAll(async () => {
  await browser.close()
  await running[Symbol.asyncDispose]()
})

function total(customer: string): Promise<number | undefined> {
  return running.streams.store<KeyValueView<string, number>>('totals').get(customer)
}

/** Rows of the page: their keys and values. */
function rows(): Promise<string[]> {
  return page.$$eval('[data-row]', (all) =>
    all.map((row) => `${row.querySelector('th')?.textContent} ${row.querySelector('.value')?.textContent}`),
  )
}

async function ask(filter: Readonly<Record<string, string>>): Promise<void> {
  for (const name of ['key', 'from', 'to']) await page.fill(`input[name=${name}]`, filter[name] ?? '')
  await page.click('.filter button[type=submit]')
}

describe('stores', () => {
  test('are listed, and show their rows in the order of their keys', async () => {
    await seen.show('stores/totals', '[data-row]')
    const names = await page.$$eval('.list .list-title', (all) => all.map((each) => each.textContent))
    expect(names.toSorted()).toEqual([...running.streams.topology.stores.keys()].toSorted())
    expect(await rows()).toEqual(CUSTOMERS.map((customer, index) => `${customer} ${index + 1}`))
    await seen.keep('stores')
    expect(await seen.violations()).toEqual([])
  })

  test('are asked for a key, for a range, and for a key that there is not', async () => {
    await ask({ key: 'carol' })
    await until(async () => (await rows()).join() === 'carol 3')
    expect(await page.textContent('[data-row] .source')).toMatch(/p[01] active, lag 0/)
    await ask({ from: 'bob', to: 'carol' })
    await until(async () => (await rows()).join() === 'bob 2,carol 3')
    await ask({ key: 'nobody' })
    await page.waitForSelector('text=There is no such key')
    await ask({ from: 'zoe', to: 'adam' })
    await page.waitForSelector('text=No rows')
  })

  test('are asked by curl as by the page', async () => {
    await ask({ key: 'bob' })
    await until(async () => (await rows()).join() === 'bob 2')
    await page.click('text=copy curl')
    await page.waitForSelector('text=copied')
    const command = (await page.evaluate('navigator.clipboard.readText()')) as string
    const { stdout } = await promisify(execFile)('sh', ['-c', command])
    expect(JSON.parse(stdout)).toMatchObject({ key: 'bob', value: 2 })
  })

  test('are watched: a row that changes is shown as it is then, and a new one appears', async () => {
    await ask({})
    await until(async () => (await rows()).length === CUSTOMERS.length)
    await page.click('button:text("Watch")')
    await page.waitForSelector('text=Stop watching')
    await running.write('alice-9', { customer: 'alice', cents: 5 }, 7)
    await running.write('erin-9', { customer: 'erin', cents: 5 }, 7)
    await until(async () => {
      const shown = await rows()
      return shown.includes('alice 2') && shown.includes('erin 1')
    })
    await page.click('text=Stop watching')
  })

  test('of windows show when each of them began, and are watched, too', async () => {
    await seen.show('stores/orders-by-minute', '[data-row="dave-3"]')
    const window = await page.textContent('[data-row="dave-3"] .time')
    expect(window).toBe('1970-01-01 00:03:001970-01-01 00:04:00')
    await page.fill('input[name=key]', 'frank-0')
    await page.click('button:text("Watch")')
    await page.waitForSelector('text=Stop watching')
    await running.write('frank-0', { customer: 'frank', cents: 5 }, 190_000)
    await until(async () => (await rows()).join() === 'frank-0 1')
    await page.click('text=Stop watching')
    expect(await seen.violations()).toEqual([])
  })
})

describe('topics', () => {
  const records = (): Promise<string[]> =>
    page.$$eval('[data-record]', (all) => all.map((row) => row.querySelector('th')?.textContent ?? ''))
  const read = async (): Promise<void> => page.click('.filter button[type=submit]')

  test('are those of the application, and show their records', async () => {
    await seen.show('topics/orders', '[data-record]')
    const names = await page.$$eval('.list .list-title', (all) => all.map((each) => each.textContent))
    expect(names).toEqual(expect.arrayContaining(topicsOf()))
    expect(await records()).toContain('bad-order')
    await seen.keep('topics')
    expect(await seen.violations()).toEqual([])
  })

  test('are read from the beginning, from a time, from an offset, and by key', async () => {
    await page.selectOption('select[name=start]', 'time')
    await page.fill('input[name=time]', '1970-01-01T00:03:00')
    await read()
    const late = await (await fetch(new URL('../v1/topics/orders/records?from=@180000', running.url))).json()
    const keys = (late as { records: { key: string }[] }).records.map(({ key }) => key)
    expect(keys).toEqual(expect.arrayContaining(['dave-3', 'frank-0']))
    expect(keys).not.toContain('alice-0')
    await until(async () => (await records()).join() === keys.toReversed().join())
    await page.selectOption('select[name=start]', 'offset')
    await page.fill('input[name=offset]', '0')
    await read()
    await page.waitForSelector('[data-record="0 0"]')
    expect(await page.$$('[data-record^="1 "]')).toEqual([])
    await page.selectOption('select[name=start]', 'beginning')
    await page.selectOption('select[name=partition]', '')
    await page.fill('input[name=key]', 'carol-1')
    await read()
    await until(async () => (await records()).join() === 'carol-1')
  })

  test('are followed: what is written appears above what was there', async () => {
    await page.selectOption('select[name=start]', 'last')
    await page.fill('input[name=key]', '')
    await read()
    await until(async () => (await records()).length > 5)
    await page.click('button:text("Follow")')
    await page.waitForSelector('text=the latest first')
    await running.write('grace-0', { customer: 'grace', cents: 5 }, 200_000)
    await until(async () => (await records())[0] === 'grace-0')
    await page.click('text=Stop following')
  })
})

describe('dead letters', () => {
  const letter = '[data-letter="rejected-orders-'
  test('are listed with what went wrong, and where', async () => {
    await seen.show('letters', letter + '0-0"], ' + letter + '1-0"]')
    expect(await page.textContent('.list')).toContain('666 cents are no price')
    await page.click('[data-letter]')
    await page.waitForSelector('.replay')
    const text = await page.textContent('.letter')
    for (const part of ['MR_PROCESSING', 'orders p', 'check', 'RangeError: 666 cents are no price']) {
      expect(text).toContain(part)
    }
    expect(await page.inputValue('textarea[name=key]')).toBe('bad-order')
    expect(JSON.parse(await page.inputValue('textarea[name=value]'))).toEqual({ customer: 'mallory', cents: REFUSED })
    await seen.keep('dead-letters')
    expect(await seen.violations()).toEqual([])
  })

  test('are changed, shown as they would be written, replayed once, and marked', async () => {
    await page.fill('textarea[name=value]', '{ "customer": "mallory", "cents": 667 }')
    await page.click('text=Dry run')
    await page.waitForSelector('text=Would be written to')
    expect(await page.textContent('.outcome')).toContain('"cents":667')
    expect(await total('mallory')).toBeUndefined()
    await page.click('button:text("Replay")')
    await page.waitForSelector('.list >> text=replayed')
    await until(async () => (await total('mallory')) === 1)
    expect(await page.isDisabled('button:text("Replay")')).toBe(true)
    await seen.keep('dead-letter-replayed')
  })
})

test('dead letters that are off are said to be off, and how they are turned on', async () => {
  await using silent = await RunningOrders.start({ auth: 'none' })
  await using other = await Seen.open(browser, { url: `${silent.url}#/letters`, expected: /status of 404/ })
  await other.page.waitForSelector('text=Turn them on by deadLetters of serve()')
  expect(other.faults).toEqual([])
})

test('a node that takes all the time of the threads is marked as the cause', async () => {
  await using slow = await RunningOrders.start()
  slow.feed(120, SLOW)
  await using other = await Seen.open(browser, { url: slow.url })
  await other.page.waitForSelector('.node.cause[data-node="check"] >> text=cause')
  expect(await other.page.textContent('.verdict')).toMatch(
    /^Threads have no time left. check takes most of it: \d+ %.$/,
  )
  expect(await other.violations()).toEqual([])
  await other.keep('topology-cause')
  await other.show('tasks', '[data-task="0_0"] .task-detail:text-matches("\\\\d+ wait")')
  other.requireNoFaults()
})
