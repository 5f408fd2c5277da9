import type { AppSnapshot, RestoreSnapshot, ThreadSnapshot } from './snapshot.ts'

/** Whether an application is alive, ready and started, each as Kubernetes' probes of these names ask it. */
export interface Health {
  /** False: nothing but a restart helps. */
  readonly live: ProbeResult
  /** True: the instance has its tasks, their state is complete, and it is not about to close. */
  readonly ready: ProbeResult
  /** True from the time on when the instance was first a member of its group. */
  readonly startup: ProbeResult
}

/** The answer to one probe, and why. */
export interface ProbeResult {
  /** True if every check is. */
  readonly ok: boolean
  readonly checks: readonly HealthCheck[]
}

/** One thing that a probe looks at. Several may have one name, such as those of the stores that are restored. */
export interface HealthCheck {
  readonly name: string
  readonly ok: boolean
  /** What was found, for people to read. */
  readonly message: string
}

/** ms for which the event loop of a thread may be held. */
const LONGEST_HOLD = 60_000
/** ms for which a thread may wait in one turn, have records and process none, or replay nothing in a restore. */
const LONGEST_STANDSTILL = 300_000
/** ms for which an instance that has run counts as ready in a rebalance, in which all instances are at once. */
const LONGEST_REBALANCE = 10_000

/**
 * Judges an application by what is known of it. Pure: the time is in the snapshot.
 *
 * Liveness fails for what a restart may cure, and for nothing else.
 */
export function healthOf(app: AppSnapshot): Health {
  return {
    live: result([
      check('state', app.state !== 'error', app.state),
      ...app.threads.map(liveThread),
      ...app.threads.flatMap(({ restores }) => restores.filter(isStuck).map(stuckRestore)),
    ]),
    ready: result([
      check('state', app.state === 'running' || isReadyInRebalance(app), app.state),
      check('drain', !app.draining, app.draining ? 'the instance is about to close' : 'ok'),
      ...app.threads.flatMap(({ restores }) =>
        restores.map((each) => check('restore', remaining(each) <= app.readyLag, progressOf(each))),
      ),
    ]),
    startup: result([
      // An application that has not a valid topology, its directory and an answer of the log does not come to exist.
      check('topology', true, 'ok'),
      check('directory', true, 'ok'),
      check('log', true, 'ok'),
      check('group', app.joined, app.joined ? 'ok' : 'not joined yet'),
    ]),
  }
}

/** Adds checks to those of liveness. */
export function withLiveChecks({ live, ...rest }: Health, checks: readonly HealthCheck[]): Health {
  return { ...rest, live: result([...live.checks, ...checks]) }
}

function result(checks: readonly HealthCheck[]): ProbeResult {
  return { ok: checks.every(({ ok }) => ok), checks }
}

function check(name: string, ok: boolean, message: string): HealthCheck {
  return { name, ok, message }
}

function liveThread(thread: ThreadSnapshot): HealthCheck {
  const problem = problemOf(thread)
  const fine = thread.logAnswers ? 'ok' : 'ok, waiting for a broker to respond'
  return check(thread.name, problem === undefined, problem ?? fine)
}

function problemOf(thread: ThreadSnapshot): string | undefined {
  const { sinceLoop, sinceTurn, sinceProgress, queued } = thread
  if (sinceLoop > LONGEST_HOLD) return `the last turn of its event loop was ${inWords(sinceLoop)} ago`
  if (sinceTurn > LONGEST_STANDSTILL) return `its last turn was ${inWords(sinceTurn)} ago`
  if (sinceProgress > LONGEST_STANDSTILL) {
    return `${grouped(queued)} records wait, none was processed and nothing committed for ${inWords(sinceProgress)}`
  }
  return undefined
}

function isStuck({ sinceAdvance }: RestoreSnapshot): boolean {
  return sinceAdvance > LONGEST_STANDSTILL
}

function stuckRestore(each: RestoreSnapshot): HealthCheck {
  return check('restore', false, `${placeOf(each)}, no progress for ${inWords(each.sinceAdvance)}`)
}

/**
 * Whether nothing but restores keeps the application from running, each within the lag that it may be ready with; or
 * whether it has just run, and tasks come and go. If all instances were not ready then, no request could be sent.
 */
function isReadyInRebalance({ state, threads, readyLag, sinceRan }: AppSnapshot): boolean {
  const hasRun = sinceRan <= LONGEST_REBALANCE
  return (
    state === 'rebalancing' &&
    threads.every(
      ({ state, waiting, restores }) =>
        state === 'running' ||
        (state === 'rebalancing' &&
          waiting === 0 &&
          (restores.length > 0 || hasRun) &&
          restores.every((each) => remaining(each) <= readyLag)),
    )
  )
}

function progressOf(each: RestoreSnapshot): string {
  const left = remaining(each)
  if (left === 0) return placeOf(each)
  if (each.rate > 0) return `${placeOf(each)}, about ${inWords(left / each.rate)} left`
  return each.sinceAdvance > 0 ? `${placeOf(each)}, no progress for ${inWords(each.sinceAdvance)}` : placeOf(each)
}

/** In offsets, as both ends of the restore are: it reaches 0, however many records are replayed. */
function remaining({ position, end }: RestoreSnapshot): number {
  return Math.max(0, end - position)
}

function placeOf(each: RestoreSnapshot): string {
  const { task, store, from, end } = each
  const total = end - from
  const done = total - remaining(each)
  const share = total === 0 ? 100 : Math.floor((done / total) * 100)
  return `${task} ${store} ${grouped(done)} of ${grouped(total)} (${share} %)`
}

function grouped(value: number): string {
  return value.toLocaleString('en-US')
}

function inWords(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  if (seconds < 120) return `${seconds} s`
  const minutes = Math.round(seconds / 60)
  return minutes < 120 ? `${minutes} min` : `${Math.round(minutes / 60)} h`
}
