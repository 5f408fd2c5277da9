import { describe, expect, test } from 'vitest'
import { healthOf, type Health, type ProbeResult } from '../../src/health/health.ts'
import { HealthWatch, type WatchedThread } from '../../src/health/health-watch.ts'
import { NO_VITALS, type StoreRestore, type ThreadVitals } from '../../src/health/vitals.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND

/** One thread, observed every second as the runtime does, by a clock that only the test moves. */
class Observed {
  readonly #watch = new HealthWatch(0)
  #now = 0
  state = 'running'
  threadState = 'running'
  draining = false
  readyLag = 0
  vitals: ThreadVitals = { ...NO_VITALS, joined: true }

  get #threads(): readonly WatchedThread[] {
    return [{ name: 'StreamThread-1', state: this.threadState, vitals: this.vitals }]
  }

  /** Lets time pass. @param live what the thread does in the meantime, second by second */
  pass(ms: number, live: (vitals: ThreadVitals) => Partial<ThreadVitals> = () => ({})): this {
    for (const end = this.#now + ms; this.#now < end;) {
      this.#now += SECOND
      this.vitals = { ...this.vitals, ...live(this.vitals) }
      this.#watch.observe(this.#now, this.#threads)
    }
    return this
  }

  /** The machine sleeps, or the process is stopped: the clock jumps, and nobody observes anything. */
  jump(ms: number): this {
    this.#now += ms
    return this
  }

  get health(): Health {
    this.#watch.observe(this.#now, this.#threads)
    return healthOf(this.#watch.snapshot(this.#threads, this))
  }
}

const turning = ({ loop = 0, turns }: ThreadVitals): Partial<ThreadVitals> => ({ loop: loop + 1, turns: turns + 1 })

/** As `?verbose` shows it. */
function shown({ checks }: ProbeResult): string[] {
  return checks.map(({ name, ok, message }) => `[${ok ? '+' : '-'}]${name} ${message}`)
}

const restore: StoreRestore = { task: '0_3', store: 'totals', from: 0, position: 0, end: 3_400_000 }

describe('an instance that has run, in a rebalance', () => {
  test('is ready while tasks come and go and nothing is restored, for ten seconds', () => {
    const app = new Observed().pass(SECOND, turning)
    app.state = app.threadState = 'rebalancing'
    expect(shown(app.pass(9 * SECOND, turning).health.ready)).toEqual(['[+]state rebalancing', '[+]drain ok'])
    expect(app.pass(2 * SECOND, turning).health.ready.ok).toBe(false)
    app.state = app.threadState = 'running'
    expect(app.pass(SECOND, turning).health.ready.ok).toBe(true)
  })

  test('is not ready while it waits for tasks that others have, restores one, or has never run', () => {
    const app = new Observed().pass(SECOND, turning)
    app.state = app.threadState = 'rebalancing'
    app.vitals = { ...app.vitals, waiting: 1 }
    expect(app.pass(SECOND, turning).health.ready.ok).toBe(false)
    app.vitals = { ...app.vitals, waiting: 0, restores: [restore] }
    expect(app.pass(SECOND, turning).health.ready.ok).toBe(false)
    const fresh = new Observed()
    fresh.state = fresh.threadState = 'rebalancing'
    expect(fresh.pass(SECOND, turning).health.ready.ok).toBe(false)
  })
})

describe('an instance is alive', () => {
  test('while its threads turn, idle for however long', () => {
    const { live } = new Observed().pass(60 * MINUTE, turning).health
    expect(live.ok).toBe(true)
    expect(shown(live)).toEqual(['[+]state running', '[+]StreamThread-1 ok'])
  })

  test('while no broker responds, whatever stands still', () => {
    const app = new Observed()
    app.vitals = { ...app.vitals, logAnswers: false, queued: 100, restores: [restore] }
    const { live } = app.pass(60 * MINUTE, ({ loop = 0 }) => ({ loop: loop + 1 })).health
    expect(live.ok).toBe(true)
    expect(shown(live)).toContain('[+]StreamThread-1 ok, waiting for a broker to respond')
    // They respond again, and it has not noticed yet.
    app.vitals = { ...app.vitals, logAnswers: true }
    expect(shown(app.pass(SECOND).health.live)).toEqual(['[+]state running', '[+]StreamThread-1 ok'])
  })

  test('while it waits for other members of the group to give up what it is assigned', () => {
    const app = new Observed()
    app.state = app.threadState = 'rebalancing'
    app.vitals = { ...app.vitals, queued: 100, waiting: 3 }
    expect(app.pass(60 * MINUTE, turning).health.live.ok).toBe(true)
  })

  test('while it closes, for as long as it may wait for calls', () => {
    const app = new Observed()
    app.state = 'pending-shutdown'
    app.threadState = 'stopping'
    app.vitals = { ...app.vitals, queued: 100 }
    expect(app.pass(60 * MINUTE, ({ loop = 0 }) => ({ loop: loop + 1 })).health.live.ok).toBe(true)
  })

  test('while a restore advances, however slowly', () => {
    const app = new Observed()
    app.state = app.threadState = 'rebalancing'
    const slowly = (vitals: ThreadVitals): Partial<ThreadVitals> => {
      const position = Math.floor(vitals.turns / 240)
      return { ...turning(vitals), restores: [{ ...restore, position }] }
    }
    expect(app.pass(60 * MINUTE, slowly).health.live.ok).toBe(true)
  })

  test('after the machine slept for an hour, though no thread has had a turn since', () => {
    const app = new Observed()
    app.vitals = { ...app.vitals, queued: 100, restores: [restore] }
    expect(app.pass(MINUTE, turning).jump(60 * MINUTE).health.live.ok).toBe(true)
  })

  test('while its clock stands still', () => {
    const app = new Observed().pass(MINUTE, turning)
    for (let i = 0; i < 1000; i++) expect(app.health.live.ok).toBe(true)
  })

  test('while it commits without processing records, as it does when caches are flushed', () => {
    const app = new Observed()
    app.vitals = { ...app.vitals, queued: 100 }
    const committing = (vitals: ThreadVitals): Partial<ThreadVitals> => {
      return { ...turning(vitals), commits: Math.floor(vitals.turns / 30) }
    }
    expect(app.pass(60 * MINUTE, committing).health.live.ok).toBe(true)
  })
})

describe('an instance is not alive', () => {
  test('in the state error', () => {
    const app = new Observed().pass(MINUTE, turning)
    app.state = 'error'
    app.threadState = 'dead'
    expect(shown(app.health.live)).toEqual(['[-]state error', '[+]StreamThread-1 ok'])
  })

  test('when a function has held the event loop of a thread for more than a minute', () => {
    const app = new Observed().pass(MINUTE, turning).pass(MINUTE)
    expect(app.health.live.ok).toBe(true)
    app.pass(SECOND)
    expect(app.health.live.ok).toBe(false)
    expect(shown(app.health.live)).toContain('[-]StreamThread-1 the last turn of its event loop was 61 s ago')
    // The function returned after all.
    expect(app.pass(SECOND, turning).health.live.ok).toBe(true)
  })

  test('when such a thread is held while no broker responds', () => {
    const app = new Observed().pass(MINUTE, turning)
    app.vitals = { ...app.vitals, logAnswers: false }
    expect(app.pass(61 * SECOND).health.live.ok).toBe(false)
  })

  test('when a thread has waited within one turn for more than 5 minutes', () => {
    const waiting = ({ loop = 0 }: ThreadVitals): Partial<ThreadVitals> => ({ loop: loop + 1 })
    const app = new Observed().pass(MINUTE, turning).pass(5 * MINUTE, waiting)
    expect(app.health.live.ok).toBe(true)
    app.pass(SECOND, waiting)
    expect(shown(app.health.live)).toContain('[-]StreamThread-1 its last turn was 5 min ago')
  })

  test('when records wait, and for more than 5 minutes none was processed and nothing committed', () => {
    const app = new Observed().pass(10 * MINUTE, turning)
    app.vitals = { ...app.vitals, queued: 1234 }
    expect(app.pass(5 * MINUTE, turning).health.live.ok).toBe(true)
    expect(shown(app.pass(SECOND, turning).health.live)).toContain(
      '[-]StreamThread-1 1,234 records wait, none was processed and nothing committed for 5 min',
    )
    const processing = (vitals: ThreadVitals): Partial<ThreadVitals> => ({ ...turning(vitals), processed: 1 })
    expect(app.pass(SECOND, processing).health.live.ok).toBe(true)
  })

  test('when a restore has not advanced for more than 5 minutes, and says which', () => {
    const app = new Observed()
    app.state = app.threadState = 'rebalancing'
    app.vitals = { ...app.vitals, restores: [{ ...restore, position: 1_200_000 }] }
    expect(app.pass(5 * MINUTE, turning).health.live.ok).toBe(true)
    expect(shown(app.pass(2 * MINUTE, turning).health.live)).toEqual([
      '[+]state rebalancing',
      '[+]StreamThread-1 ok',
      '[-]restore 0_3 totals 1,200,000 of 3,400,000 (35 %), no progress for 7 min',
    ])
  })
})

describe('an instance is ready', () => {
  test('when it runs', () => {
    expect(new Observed().pass(SECOND, turning).health.ready.ok).toBe(true)
  })

  test('not while it restores, with the progress in offsets of what is to be replayed, and the time left', () => {
    const app = new Observed()
    app.state = app.threadState = 'rebalancing'
    const from = 1_000_000
    const replaying = (vitals: ThreadVitals): Partial<ThreadVitals> => {
      const position = from + Math.min(2_400_000, vitals.turns * 50_000)
      return { ...turning(vitals), restores: [{ ...restore, from, position }] }
    }
    app.pass(25 * SECOND, replaying)
    expect(shown(app.health.ready)).toEqual([
      '[-]state rebalancing',
      '[+]drain ok',
      '[-]restore 0_3 totals 1,200,000 of 2,400,000 (50 %), about 24 s left',
    ])
    app.pass(24 * SECOND, replaying)
    expect(shown(app.health.ready)).toContain('[+]restore 0_3 totals 2,400,000 of 2,400,000 (100 %)')
  })

  test('while stores lack no more than readyLag', () => {
    const app = new Observed()
    app.state = app.threadState = 'rebalancing'
    app.readyLag = 100
    app.vitals = { ...app.vitals, restores: [{ ...restore, position: restore.end - 101 }] }
    expect(app.pass(SECOND, turning).health.ready.ok).toBe(false)
    app.vitals = { ...app.vitals, restores: [{ ...restore, position: restore.end - 100 }] }
    expect(app.pass(SECOND, turning).health.ready.ok).toBe(true)
  })

  test('not while tasks wait to be opened, or none are assigned yet, whatever readyLag is', () => {
    const app = new Observed()
    app.state = app.threadState = 'rebalancing'
    app.readyLag = 1_000_000_000
    expect(app.pass(SECOND, turning).health.ready.ok).toBe(false)
    app.vitals = { ...app.vitals, waiting: 1, restores: [restore] }
    expect(app.pass(SECOND, turning).health.ready.ok).toBe(false)
  })

  test.each(['pending-shutdown', 'not-running', 'pending-error', 'error'])('not in the state %s', (state) => {
    const app = new Observed()
    app.state = state
    expect(app.pass(SECOND, turning).health.ready.ok).toBe(false)
  })

  test('not once it drains', () => {
    const app = new Observed()
    app.draining = true
    const { live, ready } = app.pass(SECOND, turning).health
    expect([live.ok, ready.ok]).toEqual([true, false])
    expect(shown(ready)).toEqual(['[+]state running', '[-]drain the instance is about to close'])
  })
})

describe('an instance has started', () => {
  test('when every thread was a member of the group, restored or not, and however the group changes later', () => {
    const app = new Observed()
    app.state = app.threadState = 'rebalancing'
    app.vitals = { ...app.vitals, joined: false }
    expect(shown(app.pass(SECOND, turning).health.startup)).toEqual([
      '[+]topology ok',
      '[+]directory ok',
      '[+]log ok',
      '[-]group not joined yet',
    ])
    app.vitals = { ...app.vitals, joined: true, restores: [restore] }
    expect(app.pass(SECOND, turning).health.startup.ok).toBe(true)
    // A thread that failed is replaced.
    app.vitals = { ...NO_VITALS }
    expect(app.pass(SECOND).health.startup.ok).toBe(true)
  })
})
