import { systemClock, type Clock } from '../../src/platform/clock.ts'

const started = Date.now()

/** Goes on with the CPU time of this process alone, so that commits come as often as on a free core. */
export const cpuClock: Clock = {
  now: () => started + cpuClock.monotonic(),
  monotonic: () => {
    const { user, system } = process.cpuUsage()
    return Math.floor((user + system) / 1000)
  },
  schedule: (ms, callback) => systemClock.schedule(ms, callback),
}
