import { expect, test } from 'vitest'
import { MillraceError } from '../../src/errors/millrace-error.ts'
import { memoryEngine } from '../../src/engine/memory/memory-engine.ts'
import { ManualClock } from '../../src/platform/manual-clock.ts'
import { readEvents } from '../../src/query/change-page.ts'
import { OpenScans } from '../../src/query/open-scans.ts'
import type { RowPage, RowRequest } from '../../src/query/row-request.ts'
import type { KeyValueState } from '../../src/state/states.ts'
import { keyValueSpec, StateHarness } from '../state/support/state-harness.ts'

const REQUEST: RowRequest = {
  store: 'store',
  partition: 0,
  query: { op: 'watch' },
  consistency: 'latest',
  role: 'active',
  maxLag: 0,
  at: undefined,
}

class Owner implements AsyncDisposable {
  readonly clock = new ManualClock(0)
  readonly harness: StateHarness
  readonly scans: OpenScans
  isOpen = true

  private constructor(harness: StateHarness) {
    this.harness = harness
    const source = { partition: 0, role: 'active', lag: 0, age: 0, position: {} } as const
    const find = () => ({ reads: harness.state.reads('store')!, source, isOpen: () => this.isOpen })
    this.scans = new OpenScans({ clock: this.clock, find })
  }

  static async open(): Promise<Owner> {
    return new Owner(await StateHarness.open([keyValueSpec()], memoryEngine))
  }

  put(key: string, value: unknown): void {
    this.harness.store<KeyValueState<string, unknown>>().put(key, value, 0)
  }

  /** Lets seconds pass, with whatever comes of it. */
  async pass(seconds: number): Promise<void> {
    for (let quarter = 0; quarter < 4 * seconds; quarter++) {
      await settled()
      this.clock.advance(250)
    }
    await settled()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.harness.close()
  }
}

const shown = ({ rows }: RowPage): string[] =>
  readEvents(rows).map((event) => {
    if (event.kind === 'expired') return `${event.kind} ${event.before}`
    return event.kind === 'begin' || event.kind === 'current' ? event.kind : `${event.kind} ${event.key.toString()}`
  })

function codeOf(error: unknown): unknown {
  return error instanceof MillraceError ? error.code : error
}

async function settled(): Promise<void> {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}

test('the page of a watch comes when there is something in it, or empty as a sign of life', async () => {
  await using owner = await Owner.open()
  owner.put('a', 1)
  const first = await owner.scans.open(REQUEST)
  expect(shown(first)).toEqual(['begin', 'value a', 'current'])
  let page: RowPage | undefined
  const read = (): void => void owner.scans.next(first.more!).then((next) => (page = next))
  read()
  owner.put('b', 1)
  await settled()
  expect(page).toBeUndefined()
  await owner.pass(1)
  expect(shown(page!)).toEqual(['change b'])
  page = undefined
  read()
  await owner.pass(2)
  expect(page).toBeUndefined()
  await owner.pass(1)
  expect(shown(page!)).toEqual([])
  owner.scans.cancel(first.more!)
})

test('a watch whose task is closed says so to its reader within a second', async () => {
  await using owner = await Owner.open()
  const { more } = await owner.scans.open(REQUEST)
  const next = owner.scans.next(more!).catch(codeOf)
  await settled()
  owner.isOpen = false
  await owner.pass(1)
  expect(await next).toBe('MR_QUERY_MOVED')
  await expect(owner.scans.next(more!)).rejects.toMatchObject({ code: 'MR_QUERY_SLOW_READER' })
})

test('a watch that nobody reads is closed after half a minute, one that is cancelled at once', async () => {
  await using owner = await Owner.open()
  const stalled = await owner.scans.open(REQUEST)
  const read = await owner.scans.open(REQUEST)
  for (let seconds = 0; seconds < 30; seconds++) {
    const next = owner.scans.next(read.more!)
    owner.put('a', seconds)
    await owner.pass(1)
    expect(shown(await next)).toEqual(['change a'])
  }
  await expect(owner.scans.next(stalled.more!)).rejects.toMatchObject({ code: 'MR_QUERY_SLOW_READER' })
  const next = owner.scans.next(read.more!).catch(codeOf)
  await settled()
  owner.scans.cancel(read.more!)
  expect(await next).toBe('MR_QUERY_SLOW_READER')
})
