import { expect, test } from 'vitest'
import { ManualClock } from '../../src/platform/manual-clock.ts'
import { PunctuationQueue } from '../../src/runtime/node/punctuation.ts'

function fires(punctuate: (run: (node: string, f: (t: number) => void, t: number) => void) => boolean): number[] {
  const times: number[] = []
  punctuate((_node, _callback, time) => times.push(time))
  return times
}

test('stream-time punctuation fires with the first record, then once a gap, with stream time as argument', () => {
  const queue = new PunctuationQueue(new ManualClock(), false)
  queue.schedule('n', 10, 'stream-time', () => {}, undefined)
  const at = (time: number): number[] => fires((run) => queue.punctuateStreamTime(time, run))
  expect([3, 9, 10, 47, 50, 57].map(at)).toEqual([[3], [], [10], [47], [50], []])
})

test('wall-clock punctuation first fires one interval after it was scheduled, and once for an overdue batch', () => {
  const clock = new ManualClock()
  const queue = new PunctuationQueue(clock, false)
  queue.schedule('n', 10, 'wall-clock-time', () => {}, undefined)
  const at = (time: number): number[] => {
    clock.advance(time - clock.now())
    return fires((run) => queue.punctuateWallClock(run))
  }
  expect([9, 10, 45, 50].map(at)).toEqual([[], [10], [45], [50]])
})

test('an anchored schedule keeps to multiples of its interval from the anchor', () => {
  const stream = new PunctuationQueue(new ManualClock(), false)
  stream.schedule('n', 10, 'stream-time', () => {}, 5)
  const atStream = (time: number): number[] => fires((run) => stream.punctuateStreamTime(time, run))
  expect([3, 5, 14, 15].map(atStream)).toEqual([[], [5], [], [15]])
  const clock = new ManualClock()
  const wall = new PunctuationQueue(clock, false)
  wall.schedule('n', 10, 'wall-clock-time', () => {}, 5)
  const atWall = (time: number): number[] => {
    clock.advance(time - clock.now())
    return fires((run) => wall.punctuateWallClock(run))
  }
  expect([4, 8, 12, 16].map(atWall)).toEqual([[], [8], [], [16]])
})

test('a cancelled punctuator does not fire, even when cancelled by another in the same batch', () => {
  const queue = new PunctuationQueue(new ManualClock(), false)
  const fired: string[] = []
  const second = { cancel: (): void => {} }
  queue.schedule('n', 10, 'stream-time', () => second.cancel(), undefined)
  second.cancel = queue.schedule('n', 10, 'stream-time', () => fired.push('second'), undefined).cancel
  queue.punctuateStreamTime(3, (_node, callback, time) => callback(time))
  expect(fired).toEqual([])
})

const MINUTE = 60_000
const HOUR = 60 * MINUTE

test('wall-clock punctuation keeps its interval when the date is set back or forward, and gets the date', () => {
  const clock = new ManualClock(10 * HOUR)
  const queue = new PunctuationQueue(clock, false)
  queue.schedule('n', MINUTE, 'wall-clock-time', () => {}, undefined)
  const after = (ms: number): number[] => {
    clock.advance(ms)
    return fires((run) => queue.punctuateWallClock(run))
  }
  expect(after(MINUTE)).toEqual([10 * HOUR + MINUTE])
  clock.setDate(-HOUR)
  expect(after(MINUTE - 1)).toEqual([])
  expect(after(1)).toEqual([9 * HOUR + 2 * MINUTE])
  clock.setDate(48 * HOUR)
  expect(after(MINUTE - 1)).toEqual([])
  expect(after(1)).toEqual([57 * HOUR + 3 * MINUTE])
})

test('anchored wall-clock punctuation follows a date that is set, and fires once for the multiples leapt over', () => {
  const clock = new ManualClock(10 * HOUR + 50 * MINUTE)
  const queue = new PunctuationQueue(clock, false)
  queue.schedule('n', HOUR, 'wall-clock-time', () => {}, 0)
  const after = (ms: number): number[] => {
    clock.advance(ms)
    return fires((run) => queue.punctuateWallClock(run))
  }
  clock.setDate(-20 * MINUTE)
  expect([after(0), after(29 * MINUTE), after(MINUTE)]).toEqual([[], [], [11 * HOUR]])
  clock.setDate(30 * MINUTE)
  expect([after(0), after(29 * MINUTE), after(MINUTE)]).toEqual([[], [], [12 * HOUR]])
  clock.setDate(5 * HOUR + MINUTE)
  expect([after(0), after(0), after(58 * MINUTE), after(MINUTE)]).toEqual([[17 * HOUR + MINUTE], [], [], [18 * HOUR]])
})

test('anchored wall-clock punctuation fires at its date, neither before it nor twice, when the date drifts', () => {
  for (const drift of [-1, 1]) {
    const clock = new ManualClock(0)
    const queue = new PunctuationQueue(clock, false)
    queue.schedule('n', MINUTE, 'wall-clock-time', () => {}, 0)
    const fired: number[] = []
    for (let second = 1; second < 300; second++) {
      clock.advance(1000)
      clock.setDate(20 * drift)
      fired.push(...fires((run) => queue.punctuateWallClock(run)))
    }
    expect(fired.map((date) => Math.floor(date / MINUTE))).toEqual(drift > 0 ? [0, 1, 2, 3, 4, 5] : [0, 1, 2, 3, 4])
    expect(Math.max(...fired.map((date) => date % MINUTE))).toBeLessThanOrEqual(1020)
  }
})

test('punctuators due at the same time run in the order of their scheduling, or of a Java priority queue', () => {
  const ran = (compatible: boolean): string[] => {
    const queue = new PunctuationQueue(new ManualClock(), compatible)
    const names: string[] = []
    queue.schedule('A', 5, 'stream-time', () => {}, undefined)
    for (const name of ['B', 'C']) queue.schedule(name, 10, 'stream-time', () => {}, undefined)
    for (const time of [0, 5, 10]) queue.punctuateStreamTime(time, (name) => names.push(name))
    return names
  }
  expect(ran(false).join('')).toBe('ABCAABC')
  expect(ran(true).join('')).toBe('ACBABAC')
})

test('a punctuator that another one schedules runs with it if it is due already', () => {
  const queue = new PunctuationQueue(new ManualClock(), false)
  const ran: string[] = []
  const again = (): void => {
    if (ran.length < 2) queue.schedule(`${ran.length}`, 10, 'stream-time', again, undefined)
  }
  queue.schedule('0', 10, 'stream-time', again, undefined)
  queue.punctuateStreamTime(3, (name, callback, time) => {
    ran.push(name)
    callback(time)
  })
  expect(ran).toEqual(['0', '1'])
})

test('a punctuator in whose callback the date is set keeps to its date, whatever else the callback schedules', () => {
  const clock = new ManualClock(0)
  const queue = new PunctuationQueue(clock, false)
  const fired: number[] = []
  let toSet = 30_000
  const minutely = (date: number): void => {
    fired.push(date)
    clock.setDate(toSet)
    queue.schedule('other', HOUR, 'wall-clock-time', () => {}, 0)
    toSet = 0
  }
  queue.schedule('n', MINUTE, 'wall-clock-time', minutely, 0)
  const runAll = (): void => void queue.punctuateWallClock((_, callback, date) => callback(date))
  runAll()
  for (let second = 0; second < 200; second++) {
    clock.advance(1000)
    runAll()
  }
  expect(fired).toEqual([0, MINUTE, 2 * MINUTE, 3 * MINUTE])
})

test('no drift of the date is lost while an anchored punctuator schedules others', () => {
  const clock = new ManualClock(0)
  const queue = new PunctuationQueue(clock, false)
  const fired: number[] = []
  const minutely = (date: number): void => {
    fired.push(date)
    clock.setDate(80)
    queue.schedule('other', HOUR, 'wall-clock-time', () => {}, 0)
  }
  queue.schedule('n', MINUTE, 'wall-clock-time', minutely, 0)
  for (let i = 0; i < 30_001; i++) {
    queue.punctuateWallClock((_, callback, date) => callback(date))
    clock.advance(10)
  }
  expect(fired).toEqual([0, 1, 2, 3, 4, 5].map((minute) => minute * MINUTE))
})

test('a punctuator in stream time is left alone when its callback finds that the date was set', () => {
  const clock = new ManualClock(0)
  const queue = new PunctuationQueue(clock, false)
  const fired: number[] = []
  const every10 = (time: number): void => {
    fired.push(time)
    clock.setDate(HOUR)
    queue.schedule('other', HOUR, 'wall-clock-time', () => {}, 0)
  }
  queue.schedule('n', 10, 'stream-time', every10, 5)
  for (let time = 0; time < 30; time++) queue.punctuateStreamTime(time, (_, callback) => callback(time))
  expect(fired).toEqual([5, 15, 25])
})
