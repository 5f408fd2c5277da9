import { expect, test } from 'vitest'
import { PunctuationQueue } from '../../src/runtime/punctuation.ts'

function fires(
  queue: PunctuationQueue,
  punctuate: (run: (node: string, f: (t: number) => void, t: number) => void) => boolean,
): number[] {
  const times: number[] = []
  punctuate((_node, _callback, time) => times.push(time))
  return times
}

test('stream-time punctuation fires with the first record, then once for each gap, with stream time as argument', () => {
  const queue = new PunctuationQueue()
  queue.schedule('n', 10, 'stream-time', () => {}, undefined, 0)
  const at = (time: number): number[] => fires(queue, (run) => queue.punctuateStreamTime(time, run))
  expect([3, 9, 10, 47, 50, 57].map(at)).toEqual([[3], [], [10], [47], [50], []])
})

test('wall-clock punctuation first fires one interval after it was scheduled, and once for an overdue batch', () => {
  const queue = new PunctuationQueue()
  queue.schedule('n', 10, 'wall-clock-time', () => {}, undefined, 0)
  const at = (time: number): number[] => fires(queue, (run) => queue.punctuateWallClock(time, run))
  expect([9, 10, 45, 50].map(at)).toEqual([[], [10], [45], [50]])
})

test('an anchored schedule keeps to multiples of its interval from the anchor', () => {
  const stream = new PunctuationQueue()
  stream.schedule('n', 10, 'stream-time', () => {}, 5, 0)
  const atStream = (time: number): number[] => fires(stream, (run) => stream.punctuateStreamTime(time, run))
  expect([3, 5, 14, 15].map(atStream)).toEqual([[], [5], [], [15]])
  const wall = new PunctuationQueue()
  wall.schedule('n', 10, 'wall-clock-time', () => {}, 5, 0)
  const atWall = (time: number): number[] => fires(wall, (run) => wall.punctuateWallClock(time, run))
  expect([4, 8, 12, 16].map(atWall)).toEqual([[], [8], [], [16]])
})

test('a cancelled punctuator does not fire, even when cancelled by another in the same batch', () => {
  const queue = new PunctuationQueue()
  const fired: string[] = []
  const second = { cancel: (): void => {} }
  queue.schedule('n', 10, 'stream-time', () => second.cancel(), undefined, 0)
  second.cancel = queue.schedule('n', 10, 'stream-time', () => fired.push('second'), undefined, 0).cancel
  queue.punctuateStreamTime(3, (_node, callback, time) => callback(time))
  expect(fired).toEqual([])
})
