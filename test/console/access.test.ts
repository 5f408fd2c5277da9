import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Browser } from 'playwright-core'
import { openBrowser, Seen } from './browser.ts'
import { RunningOrders } from './running.ts'

const TOKEN = 'a-token-of-people-who-look'

let browser: Browser
let running: RunningOrders
beforeAll(async () => {
  const auth = { tokens: [{ token: TOKEN, role: 'read' }] } as const
  ;[browser, running] = await Promise.all([openBrowser(), RunningOrders.start({ auth })])
})
afterAll(async () => {
  await browser.close()
  await running[Symbol.asyncDispose]()
})

test('a server with tokens is shown to those who have one, and the token stays in the memory of the page', async () => {
  await using seen = await Seen.open(browser, { url: running.url, expected: /status of 401/ })
  const { page } = seen
  const sent: (string | undefined)[] = []
  page.on('request', async (request) => void sent.push((await request.allHeaders())['authorization']))
  await page.fill('input[type=password]', 'a-token-that-nobody-knows')
  await page.keyboard.press('Enter')
  await page.waitForSelector('text=The token is unknown.')
  expect(await seen.violations()).toEqual([])
  await seen.keep('token')
  await page.fill('input[type=password]', TOKEN)
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-node]')
  expect(sent).toContain(`Bearer ${TOKEN}`)
  const kept = 'JSON.stringify([location.href, { ...localStorage }, { ...sessionStorage }, document.cookie])'
  expect(await page.evaluate(kept)).not.toContain(TOKEN)
  await page.goto(`${running.url}#/health`)
  await page.waitForSelector('.settings')
  const text = await page.textContent('body')
  expect(text).toContain('read ••••••')
  expect(text).not.toContain(TOKEN)
  await page.reload()
  await page.waitForSelector('input[type=password]')
  expect(seen.faults).toEqual([])
})
