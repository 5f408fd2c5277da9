import { rest } from './schedule.ts'
import type { FaultCounter } from './slow-log.ts'
import type { Host, Round, World } from './world.ts'

/** Steps in ms by which dates are set, times up to 1,000: seconds, an hour, or so far that checkpoints are too old. */
const LEAPS = [-50_000, -3_600, -1, 1, 60, 3_600, 50_000]
/** Number of steps after which something hangs. */
const PATIENCE = 40_000

/** Counts what went wrong, by its name. */
export class Faults implements FaultCounter {
  readonly counts = new Map<string, number>()

  count(kind: string): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + 1)
  }
}

/** Starts a process and appends the rounds, with the faults of processes, disks, commits and clocks of the seed. */
export async function disturb(
  world: World,
  rounds: readonly Round[],
  faults: FaultCounter,
  onStep: () => void = () => {},
): Promise<void> {
  const { random } = world.schedule
  Object.assign(world.commitFaults, { abort: 0.04, loseResponse: 0.04 })
  const faultRate = random.pick([0.003, 0.01, 0.03])
  world.start(random.pick(world.hosts))
  let next = 0
  for (let quiet = random.between(50, 300); quiet > 0;) {
    if (next === rounds.length) quiet--
    else if (random.chance(0.02) && world.append(rounds[next] as Round)) next++
    if (random.chance(faultRate)) {
      fault(world, faults)
      await rest()
    }
    await world.step()
    onStep()
  }
}

function fault(world: World, faults: FaultCounter): void {
  const { random } = world.schedule
  const free = world.hosts.filter(({ running }) => running === undefined)
  const busy = world.hosts.filter(({ running }) => running !== undefined)
  if (busy.length === 0 || (free.length > 0 && random.chance(0.4))) {
    const host = random.pick(free)
    faults.count(host.started === 0 ? 'start' : 'restart')
    world.start(host)
  } else hit(world, random.pick(busy), faults)
}

function hit(world: World, host: Host, faults: FaultCounter): void {
  const { random } = world.schedule
  const { running } = host
  if (running === undefined) return
  const { process, streams } = running
  const kind = random.pick(['crash', 'crash', 'stop', 'expel', 'zombie', 'pause', 'clock', 'time'] as const)
  switch (kind) {
    case 'crash':
      world.crash(host)
      if (random.chance(0.3)) {
        host.disk.wipe()
        return faults.count('crash, disk lost')
      }
      return faults.count('crash')
    case 'stop':
      if (streams === undefined || running.stopping) return
      running.stopping = true
      world.schedule.note(`${process.name}: is to stop`)
      streams.close().catch(() => {})
      return faults.count('graceful stop')
    case 'expel':
      world.expel(running)
      return faults.count('expelled')
    case 'zombie':
      if (process.paused) return
      process.paused = true
      world.expel(running)
      world.later(`${process.name} goes on`, () => (process.paused = false))
      return faults.count('zombie')
    case 'pause':
      if (process.paused) return
      process.paused = true
      world.schedule.note(`${process.name}: pauses`)
      world.later(`${process.name} goes on`, () => (process.paused = false))
      return faults.count('pause')
    case 'clock': {
      const leap = random.pick(LEAPS) * random.between(1, 1_000)
      process.skew += leap
      world.schedule.note(`${process.name}: its date is set ${leap} ms on`)
      return faults.count(leap < 0 ? 'clock set back' : 'clock set forward')
    }
    case 'time': {
      const ms = random.pick([1_000, 40_000, 310_000])
      world.schedule.note(`${ms} ms pass`)
      world.clock.advance(ms)
      return faults.count(`${ms} ms pass`)
    }
  }
}

/** From now on nothing goes wrong any more. */
export function calmDown(world: World): void {
  world.schedule.note('calm')
  Object.assign(world.commitFaults, { abort: 0, loseResponse: 0 })
  // Dates stay as wrong as they are.
  for (const { process } of world.running) process.paused = false
  world.endSessions()
}

/** Returns true once everything appended is processed and `isDone`, false if that never happens. */
export async function settle(
  world: World,
  isDone: () => boolean = () => true,
  onStep: () => void = () => {},
): Promise<boolean> {
  for (let i = 0; i < PATIENCE; i++) {
    if (world.running.length === 0) world.start(world.hosts[0] as Host)
    await world.step()
    onStep()
    if (i % 10 === 0 && isDone() && world.isDrained) return true
  }
  return false
}

/** Closes every process in good order, and takes away every disk; false if one does not stop. */
export async function stopAll(world: World): Promise<boolean> {
  for (const { streams } of world.running) streams?.close().catch(() => {})
  for (let i = 0; world.running.length > 0; i++) {
    if (i > PATIENCE) return false
    await world.step()
  }
  for (const { disk } of world.hosts) disk.wipe()
  return true
}
