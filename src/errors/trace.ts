import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Calls that are looked at, from the innermost one on: enough to get out of Millrace's own. */
const DEPTH = 50
/** The directory of Millrace's own code, as frames show it. */
const OWN = String(import.meta.url).replace(/errors\/[^/]*$/, '')
const OWN_NAMES = OWN.startsWith('file:') ? [OWN, fileURLToPath(OWN)] : [OWN]

/** The calls that led to a place, from the first one on that is the user's. Their text is made when it is asked for. */
export class Trace {
  readonly #limit = Error.stackTraceLimit
  readonly #captured: { readonly stack?: unknown } = {}
  #lines: { readonly own: readonly string[]; readonly users: readonly string[] } | undefined

  /** @param above the function whose calls, and those below, are left out */
  constructor(above: abstract new (...args: never) => unknown = Trace) {
    if (this.#limit > 0) Error.stackTraceLimit = Math.max(this.#limit, DEPTH)
    Error.captureStackTrace(this.#captured, above)
    Error.stackTraceLimit = this.#limit
  }

  /** The lines of a stack, each after a line feed; all of them if none is the user's. */
  get frames(): string {
    const { own, users } = this.#split()
    const shown = users.length === 0 ? own : users
    return shown
      .slice(0, this.#limit)
      .map((line) => `\n${line}`)
      .join('')
  }

  /** The function of Millrace that the user called, and where: `groupBy() at src/app.ts:12:6`. */
  get call(): string | undefined {
    const { own, users } = this.#split()
    const called = /^\s*at (?:async )?(?:[\w$]+\.)*([\w$]+) /.exec(own.at(-1) ?? '')?.[1]
    const place = /((?:file:\/\/)?[^\s(]\S*?):(\d+:\d+)\)?$/.exec(users[0] ?? '')
    if (called === undefined || place === null) return undefined
    const [, file = '', position = ''] = place
    const path = file.startsWith('file:') ? fileURLToPath(file) : file
    const near = relative('', path)
    return `${called}() at ${near.startsWith('..') ? path : near}:${position}`
  }

  #split(): { readonly own: readonly string[]; readonly users: readonly string[] } {
    if (this.#lines === undefined) {
      const { stack } = this.#captured
      const lines = typeof stack === 'string' ? stack.split('\n').filter((line) => /^\s*at /.test(line)) : []
      const first = lines.findIndex(isUsers)
      const own = first === -1 ? lines : lines.slice(0, first)
      this.#lines = { own, users: first === -1 ? [] : lines.slice(first) }
    }
    return this.#lines
  }
}

/** False for the code of Millrace, of Node and of packages: what they call in between is of no help. */
function isUsers(line: string): boolean {
  if (/\(?<anonymous>\)?$|[( ]node:|[\\/]node_modules[\\/]/.test(line)) return false
  return !OWN_NAMES.some((name) => line.includes(name))
}
