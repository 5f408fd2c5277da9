import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { kafka } from 'millrace/kafka'
import { buildConsole } from '../../console/build.ts'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'
import { freePort } from '../kafka/broker/jvm-broker.ts'
import { topicsOf } from './app.ts'
import { openBrowser, Seen } from './browser.ts'
import type { InstanceSettings } from './instance-main.ts'

const PARTITIONS = 4
const directory = mkdtempSync(join(tmpdir(), 'millrace-console-'))
const id = uniqueName('orders')
const children: ChildProcess[] = []
let brokers: string
let browser: Browser
beforeAll(async () => {
  ;[brokers, browser] = await Promise.all([sharedBroker(), openBrowser(), buildConsole()])
  const log = kafka({ brokers })
  await log.createTopics(topicsOf(`${id}-`).map((name) => ({ name, partitions: PARTITIONS })))
  await log.close()
})
afterAll(async () => {
  await browser.close()
  for (const child of children) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

/** Starts an instance in a process of its own. */
function start(name: string, port: number): ChildProcess {
  const settings: InstanceSettings = { id, prefix: `${id}-`, brokers, port, directory: join(directory, name) }
  const main = join(import.meta.dirname, 'instance-main.ts')
  const child = spawn(process.execPath, ['--conditions=millrace-source', main, JSON.stringify(settings)], {
    stdio: 'inherit',
    env: { ...process.env, NODE_OPTIONS: '', PEER_TOKEN: 'a-token-of-instances' },
  })
  children.push(child)
  return child
}

test('a page shows all instances, says when one is killed, and that it is back', async () => {
  const [here, there] = [await freePort(), await freePort()]
  const other = `127.0.0.1:${there}`
  start('here', here)
  const killed = start('there', there)
  await answering(here)
  await using seen = await Seen.open(browser, { url: `http://127.0.0.1:${here}/console/#/tasks` })
  const { page } = seen
  /** Tasks that an instance has, by what the page shows. */
  const tasksOf = (endpoint: string): Promise<number> =>
    page.$$eval(
      '.matrix',
      ([table], endpoint) => {
        const heads = [...table!.querySelectorAll('thead th')].map((head) => head.textContent)
        const column = heads.findIndex((text) => text.includes(endpoint))
        const cells = [...table!.querySelectorAll('tbody tr')].map((row) => row.children[column])
        return cells.filter((cell) => cell?.querySelector('.task.active') !== null).length
      },
      endpoint,
    )
  await page.waitForSelector('.matrix')
  const each = (2 * PARTITIONS) / 2
  await until(async () => (await tasksOf(other)) === each && (await tasksOf(`127.0.0.1:${here}`)) === each)
  await page.waitForSelector(`th:has-text("${other}") >> text=running`)
  await seen.keep('instances')

  killed.kill('SIGKILL')
  await once(killed, 'exit')
  await page.waitForSelector(`.notices :text("${other}")`)
  await page.waitForSelector(`th:has-text("${other}") >> text=no answer`)
  expect(await page.textContent('.notices')).toContain('MR_QUERY_PEER')
  await seen.keep('instance-killed')

  start('there', there)
  await page.waitForSelector(`th:has-text("${other}") >> text=running`)
  await page.waitForSelector('.notices .note', { state: 'detached' })
  await until(async () => (await tasksOf(other)) + (await tasksOf(`127.0.0.1:${here}`)) === 2 * PARTITIONS)
  expect(seen.faults).toEqual([])
})

async function answering(port: number): Promise<void> {
  await until(async () => (await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => undefined))?.ok === true)
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 50))
}
