import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { defineApp, memoryLog, silentLogger, Streams, string, topic, TopicWriter, type Log } from 'millrace'
import { serve } from 'millrace/server'
import { buildConsole } from '../../console/build.ts'
import { freePort } from '../kafka/broker/jvm-broker.ts'
import { until } from '../server/support.ts'
import { LOOKS, openBrowser, Seen } from './browser.ts'
import { TricklingLog } from './trickling-log.ts'

const KEYS = 4000
const PARTITIONS = 2
const notes = topic('notes', { key: string(), value: string() })

const app = defineApp({
  id: 'notes',
  logger: silentLogger,
  standbyReplicas: 1,
  build: (builder) =>
    builder
      .stream(notes)
      .groupByKey()
      .reduce((_before, after) => after, { store: 'latest' }),
})

const directory = mkdtempSync(join(tmpdir(), 'millrace-console-'))
let browser: Browser
let log: Log
beforeAll(async () => {
  ;[browser] = await Promise.all([openBrowser(), buildConsole()])
  writeFileSync(join(directory, 'peers'), 'a-token-of-instances\n', { mode: 0o600 })
  log = memoryLog()
  await log.createTopics([{ name: notes.name, partitions: PARTITIONS }])
  await using writer = await TopicWriter.open(log, notes)
  // Several MB, which readers get in portions.
  for (let key = 0; key < KEYS; key++) writer.write(`note-${key}`, `${key} `.repeat(1000).slice(0, 4000))
  await writer.flush()
})
afterAll(async () => {
  await browser.close()
  await log.close()
  rmSync(directory, { recursive: true, force: true })
})

/** Starts an instance that is reached at a port of its own. */
async function start(name: string, given: Log): Promise<{ streams: Streams; endpoint: string } & AsyncDisposable> {
  const port = await freePort()
  const endpoint = `127.0.0.1:${port}`
  const streams = await Streams.start(app, {
    log: given,
    stateDirectory: join(directory, name),
    advertise: endpoint,
    peerToken: { file: join(directory, 'peers') },
  })
  const server = await serve(streams, { listen: port, auth: 'none' })
  return {
    streams,
    endpoint,
    async [Symbol.asyncDispose]() {
      await server.close()
      await streams.close()
    },
  }
}

async function requireFineLooks(seen: Seen, name: string): Promise<void> {
  for (const [theme, size] of LOOKS) {
    await seen.look(theme, size)
    expect([theme, size, await seen.violations(), await seen.overflow()]).toEqual([theme, size, [], 0])
    await seen.keep(`${name}-${theme}-${size}`)
  }
}

test('a task that restores is shown with how far it is and the time that it needs, until it runs', async () => {
  {
    await using first = await start('lost', log)
    await until(() => first.streams.status().processed === KEYS)
  }
  rmSync(join(directory, 'lost'), { recursive: true })
  const slow = new TricklingLog(log)
  await using restoring = await start('restored', slow.log)
  await using seen = await Seen.open(browser, { url: `http://${restoring.endpoint}/console/#/tasks` })
  const { page } = seen
  const line = `.restores li:has-text("0_0")`
  await page.waitForSelector(`${line} >> text=/\\d s left/`)
  await page.waitForSelector('[data-task="0_0"] [data-role=restoring]')
  slow.hold()
  await until(async () => {
    const { end, from, position, rate } = restoring.streams.restores().find(({ task }) => task === '0_0')!
    const text = (await page.textContent(`${line} .numbers`)) ?? ''
    const numbers = /^([\d,]+) of ([\d,]+) · .+\/s · (\d+) s left$/.exec(text)?.slice(1) ?? []
    const [done, all, left = NaN] = numbers.map((each) => Number(each.replaceAll(',', '')))
    // While nothing comes the time grows with each second.
    const isRight = Math.abs(left - (end - position) / (rate * 1000)) <= 3
    return done === position - from && all === end - from && isRight
  })
  await requireFineLooks(seen, 'restoring')
  slow.release()
  await page.waitForSelector('.restores', { state: 'detached' })
  await page.waitForSelector('[data-task="0_0"] [data-role=active]')
  seen.requireNoFaults()
})

test('standbys are shown beside tasks, with how far behind they are', async () => {
  await using one = await start('one', log)
  await one.streams.whenRunning()
  await using two = await start('two', log)
  await using seen = await Seen.open(browser, { url: `http://${two.endpoint}/console/#/tasks` })
  const { page } = seen
  const { streams } = two
  await until(() => streams.status().tasks.length === 1 && streams.status().standbys.length === 1)
  const [task, standby] = [streams.status().tasks[0]!.id, streams.status().standbys[0]!.id]
  await page.waitForSelector(`[data-task="${task}"] [data-role=active]`)
  await page.waitForSelector(`[data-task="${standby}"] [data-role=standby] >> text=up to date`)
  expect(streams.status().standbys).toMatchObject([{ id: standby, lag: 0 }])
  await requireFineLooks(seen, 'standbys')
  seen.requireNoFaults()
})
