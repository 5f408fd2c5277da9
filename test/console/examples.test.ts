import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from 'playwright-core'
import { View } from '../../examples/fleet-tracking/page/view.ts'
import { placeOf } from '../../examples/fleet-tracking/region.ts'
import { until } from '../server/support.ts'
import { openBrowser, Seen, SIZES } from './browser.ts'
import { ExampleProcess } from './example-process.ts'

interface Rows<Value> {
  readonly rows: readonly { readonly key: string; readonly value: Value }[]
}

interface Truck {
  readonly lat: number
  readonly lon: number
  readonly driver: string
  readonly plate: string
  readonly limitKmh: number
}

let browser: Browser
beforeAll(async () => {
  browser = await openBrowser()
})
afterAll(() => browser.close())

test('the fleet drives on a map, and a truck that is chosen shows its driver, limit and last minutes', async () => {
  await using example = await ExampleProcess.start('fleet-tracking')
  await using seen = await Seen.open(browser, { url: `${example.url}/map` })
  const { page } = seen
  await until(async () => (await page.$$('[data-truck]')).length === 20)
  const speeds = (): Promise<string[]> => page.$$eval('[data-truck] b', (all) => all.map((each) => each.textContent))
  const before = await speeds()
  await until(async () => (await speeds()).join() !== before.join())

  const view = new View(SIZES.wide.width, SIZES.wide.height)
  const { rows } = await example.ask<Rows<Truck>>('/v1/stores/trucks/entries')
  // Away from the others and from what covers the map.
  const { value: truck } = rows.find(({ value }) => isAlone(value, rows, view))!
  await until(async () => {
    const { east, north } = placeOf(await latest(example, truck))
    await page.click('canvas', { position: { x: view.x(east), y: view.y(north) } })
    return (await page.textContent('.selected h2').catch(() => '')) === truck.driver
  })
  const text = await page.textContent('.selected')
  expect(text).toContain(truck.plate)
  expect(text).toContain(`limit ${truck.limitKmh}`)
  await page.waitForSelector('.bar[title*="km/h"]')
  await until(async () => (await page.$$('.trucks .alert')).length > 0)
  await seen.keep('map-dark')
  expect(await seen.violations()).toEqual([])
  await seen.look('light', 'wide')
  expect(await seen.violations()).toEqual([])
  await seen.keep('map-light')
  await seen.look('dark', 'phone')
  expect(await seen.overflow()).toBe(0)
  await seen.keep('map-phone')
  seen.requireNoFaults()
})

function isAlone(truck: Truck, rows: Rows<Truck>['rows'], view: View): boolean {
  const [x, y] = screen(truck, view)
  const isFree = x > 240 && x < SIZES.wide.width - 320 && y > 20 && y < SIZES.wide.height - 20
  const others = rows.filter(({ value }) => value.driver !== truck.driver).map(({ value }) => screen(value, view))
  return isFree && others.every(([otherX, otherY]) => Math.hypot(x - otherX, y - otherY) > 40)
}

function screen(truck: Truck, view: View): readonly [x: number, y: number] {
  const { east, north } = placeOf(truck)
  return [view.x(east), view.y(north)]
}

async function latest(example: ExampleProcess, { driver }: Truck): Promise<Truck> {
  const { rows } = await example.ask<Rows<Truck>>('/v1/stores/trucks/entries')
  return rows.find(({ value }) => value.driver === driver)!.value
}

test('payments have a board of accounts, of the volume by minute, and of alerts, as the stores have them', async () => {
  await using example = await ExampleProcess.start('payments')
  await using seen = await Seen.open(browser, { url: `${example.url}/board` })
  const { page } = seen
  await until(async () => (await page.$$('[data-account]')).length === 40)
  await page.waitForSelector('[data-alert]')
  await until(async () => (await page.$$('[data-minute]')).length > 1)
  const payments = async (): Promise<number> =>
    Number((await page.textContent('[data-figure="Payments"]'))?.replaceAll(',', ''))
  await until(async () => {
    const before = await counted(example)
    const shown = await payments()
    return shown >= before && shown <= (await counted(example))
  })
  expect(await page.textContent('.alerts')).toMatch(/\d+ payments.*made a payment of \$/)
  await seen.keep('payments-dark')
  expect(await seen.violations()).toEqual([])
  await seen.look('light', 'wide')
  expect(await seen.violations()).toEqual([])
  await seen.keep('payments-light')
  await seen.look('light', 'phone')
  expect(await seen.overflow()).toBe(0)
  seen.requireNoFaults()
})

/** Payments that both of their accounts have. */
async function counted(example: ExampleProcess): Promise<number> {
  const { rows } = await example.ask<Rows<{ payments: number }>>('/v1/stores/accounts/entries')
  return Math.floor(rows.reduce((sum, { value }) => sum + value.payments, 0) / 2)
}
