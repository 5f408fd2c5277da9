import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import type { Browser } from 'playwright-core'
import { parseDuration } from 'millrace'
import { buildConsole } from '../../console/build.ts'
import { LOOKS, openBrowser, SCREENSHOTS, Seen } from './browser.ts'
import { ExampleProcess } from './example-process.ts'

const USAGE = `npm run check:console -- [options]
  --for TIME    how long each example is looked at (default 60s)
  --images      write the screenshots of README and docs, too`

const { values } = parseArgs({
  options: {
    for: { type: 'string', default: '60s' },
    images: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const IMAGES = join(import.meta.dirname, '../../docs/images')
/** The screenshot that README begins with. */
const README = 'console'
/** Bytes that the heap of a page that is looked at may have. */
const MOST_HEAP = 64 * 1024 * 1024

/** Pages of the console, with what each has when all of it is there. */
const PAGES: readonly (readonly [page: string, selector: string])[] = [
  ['topology', '.node'],
  ['tasks', '[data-task]'],
  ['stores', '[data-row]'],
  ['topics', '[data-record]'],
  ['health', '.probe'],
]

/** Examples at a rate that gives them something to do, with the screenshot of the console that is shown of each. */
const EXAMPLES: readonly (readonly [name: string, page: string, rate: string, image: string])[] = [
  ['payments', 'board', '4000', 'console'],
  ['fleet-tracking', 'map', '200', 'console-fleet'],
]

/** The window of that screenshot, and how many pixels it has for each of the window's. */
const SHOWN = { width: 1440, height: 940 }
const SCALE = 2

let faults = 0

function report(what: string, found: readonly string[]): void {
  faults += found.length
  console.log(`${found.length === 0 ? 'ok  ' : 'FAIL'} ${what}`)
  for (const each of found) console.log(`     ${each}`)
}

/** Looks at the console for a while, then at each of its pages, and at the page of the example. */
async function look(browser: Browser, example: ExampleProcess, name: string, page: string, image: string) {
  await using seen = await Seen.open(browser, { url: `${example.url}/console/`, scale: SCALE })
  await seen.page.waitForSelector('.node')
  await sleep(parseDuration(values.for, '--for'))
  await seen.page.setViewportSize(SHOWN)
  await seen.page.click('.zoom >> text=Fit')
  await seen.keep(image)
  const heap = Number(await seen.page.evaluate('performance.memory.usedJSHeapSize'))
  report(
    `${name}: ${Math.round(heap / 1024 / 1024)} MiB of heap after ${values.for}`,
    heap > MOST_HEAP ? ['grown'] : [],
  )
  for (const [theme, size] of LOOKS) {
    await seen.look(theme, size)
    for (const [place, selector] of PAGES) {
      await seen.show(place, selector)
      await seen.keep(`${name}-${place}-${theme}-${size}`)
      const wide = await seen.overflow()
      report(`${name}: ${place}, ${theme}, ${size}`, [
        ...(await seen.violations()),
        ...(wide > 0 ? [`${wide} px too wide`] : []),
      ])
    }
  }
  report(`${name}: the console asked nobody else and logged no error`, seen.faults)
  await using own = await Seen.open(browser, { url: `${example.url}/${page}` })
  await sleep(8000)
  // A truck that is too fast, as there always is one.
  if (page === 'map') await own.page.click('.trucks .alert')
  await sleep(2000)
  for (const [theme, size] of LOOKS) {
    await own.look(theme, size)
    await own.keep(`${page}-${theme}-${size}`)
    report(`${name}: ${page}, ${theme}, ${size}`, await own.violations())
  }
  report(`${name}: its page asked nobody else and logged no error`, own.faults)
}

async function run(): Promise<void> {
  await buildConsole()
  const browser = await openBrowser()
  try {
    for (const [name, page, rate, image] of EXAMPLES) {
      await using example = await ExampleProcess.start(name, '--rate', rate)
      await look(browser, example, name, page, image)
      if (!values.images) continue
      mkdirSync(IMAGES, { recursive: true })
      if (image === README) copyFileSync(join(SCREENSHOTS, `${image}.png`), join(IMAGES, `${image}.png`))
      copyFileSync(join(SCREENSHOTS, `${page}-dark-wide.png`), join(IMAGES, `${page}.png`))
    }
  } finally {
    await browser.close()
  }
  console.log(faults === 0 ? `screenshots are in ${SCREENSHOTS}` : `${faults} faults`)
  process.exitCode = faults === 0 ? 0 : 1
}

if (values.help) console.log(USAGE)
else await run()
