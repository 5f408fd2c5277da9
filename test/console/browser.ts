import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import axe from 'axe-core'
import { chromium, type Browser, type Page } from 'playwright-core'

/** Where every run leaves what it saw. */
export const SCREENSHOTS = join(import.meta.dirname, 'screenshots')

const EXECUTABLE = process.env['MILLRACE_CHROMIUM'] ?? '/usr/bin/chromium'

/** Without these the browser calls its maker, which is a request to another host. */
const QUIET = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run',
  // Tests may run as root, where there is no sandbox.
  '--no-sandbox',
]

/** Starts a browser. `test/setup/install-tools.sh` installs it. */
export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: QUIET })
}

export type Theme = 'dark' | 'light'

export const SIZES = { wide: { width: 1280, height: 720 }, phone: { width: 390, height: 844 } } as const
export type Size = keyof typeof SIZES

/** Each theme on each screen. */
export const LOOKS: readonly (readonly [Theme, Size])[] = [
  ['dark', 'wide'],
  ['light', 'wide'],
  ['dark', 'phone'],
  ['light', 'phone'],
]

export interface SeenOptions {
  readonly url: string
  readonly theme?: Theme
  readonly size?: Size
  /** Pixels of a screenshot by pixels of the page. Default: 1. */
  readonly scale?: number
  /** Statuses that the test provokes, which the browser writes to its console. */
  readonly expected?: RegExp
}

/** A page as its user sees it. Errors of its console and requests to other hosts are kept. */
export class Seen implements AsyncDisposable {
  readonly page: Page
  /** What a console without faults does not have. */
  readonly faults: string[] = []
  readonly #origin: string

  private constructor(page: Page, { url, expected }: SeenOptions) {
    this.page = page
    this.#origin = new URL(url).origin
    page.on('console', (message) => {
      if (message.type() !== 'error' && message.type() !== 'warning') return
      if (expected?.test(message.text()) !== true) this.faults.push(`${message.type()}: ${message.text()}`)
    })
    page.on('pageerror', (error) => this.faults.push(`thrown: ${error.message}`))
    page.on('request', (request) => {
      const { origin, protocol } = new URL(request.url())
      if (origin !== this.#origin && protocol !== 'data:' && protocol !== 'blob:') {
        this.faults.push(`asks ${request.url()}`)
      }
    })
  }

  static async open(browser: Browser, options: SeenOptions): Promise<Seen> {
    const { url, theme = 'dark', size = 'wide', scale = 1 } = options
    const page = await browser.newPage({
      viewport: SIZES[size],
      deviceScaleFactor: scale,
      colorScheme: theme,
      timezoneId: 'UTC',
      // In the middle of a transition colours have other contrasts.
      reducedMotion: 'reduce',
    })
    const seen = new Seen(page, options)
    await page.goto(url)
    return seen
  }

  /** Shows another page of the console. */
  async show(place: string, selector: string): Promise<void> {
    await this.page.goto(`${this.page.url().replace(/#.*/, '')}#/${place}`)
    await this.page.waitForSelector(selector)
  }

  /** Looks from another screen. */
  async look(theme: Theme, size: Size): Promise<void> {
    await this.page.emulateMedia({ colorScheme: theme })
    await this.page.setViewportSize(SIZES[size])
  }

  /** Keeps what is seen. */
  async keep(name: string): Promise<void> {
    mkdirSync(SCREENSHOTS, { recursive: true })
    await this.page.screenshot({ path: join(SCREENSHOTS, `${name}.png`) })
  }

  /** Fails with the faults that there were since it was called last. */
  requireNoFaults(): void {
    const faults = this.faults.splice(0)
    if (faults.length > 0) throw new Error(`the page has faults:\n${faults.join('\n')}`)
  }

  /** Returns what axe finds, by rule and place. */
  async violations(): Promise<string[]> {
    await this.page.evaluate(axe.source)
    const found = await this.page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }
      const { violations } = await axe.run()
      return violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => [id, target, failureSummary]),
      )
    })
    return found.map((each) => JSON.stringify(each))
  }

  /** Returns by how many pixels the page is wider than its window. */
  overflow(): Promise<number> {
    return this.page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.close()
  }
}

interface Violation {
  readonly id: string
  readonly nodes: { readonly target: unknown; readonly failureSummary: string | undefined }[]
}
