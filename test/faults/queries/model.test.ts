import { expect, test } from 'vitest'
import { ExactCounts, GrowingCounts, partitionOf, Written } from './model.ts'

/** Two words of the same partition: a at its offsets 0, 2 and 3, b at 1. */
function twoWords(): { readonly written: Written; readonly a: string; readonly b: string } {
  const a = 'k00001'
  const others = Array.from({ length: 100 }, (_, index) => `k00${100 + index}`)
  const b = others.find((word) => partitionOf(word) === partitionOf(a)) ?? ''
  const written = new Written()
  for (const word of [a, b, a, a]) written.note(word)
  return { written, a, b }
}

test('an answer is right at one count for each offset, and absences are faults of their own', () => {
  const { written, a, b } = twoWords()
  const counts = new ExactCounts('words', written)
  const right = [0, 1, 1, 2, 3].map((count, offset) => counts.judge(a, count, offset))
  expect(right).toEqual(right.map(() => undefined))
  expect(counts.judge(a, 2, 2)?.kind).toBe('wrong')
  expect(counts.judge(a, 0, 1)?.kind).toBe('nulls')
  expect(counts.judge(b, 1, 1)?.kind).toBe('wrong')
  expect(counts.judge(a, 3, 5)?.kind).toBe('wrong')
})

test('an answer without an offset is right from what the client had seen to all that was written', () => {
  const { written, a } = twoWords()
  const counts = new ExactCounts('words', written)
  expect([1, 2, 3].map((count) => counts.judgeSince(a, count, 2))).toEqual([undefined, undefined, undefined])
  expect([0, 4].map((count) => counts.judgeSince(a, count, 2)?.kind)).toEqual(['nulls', 'wrong'])
})

test('rows of a scan are right together or not at all', () => {
  const { written, a, b } = twoWords()
  const counts = new ExactCounts('words', written)
  const judge = (rows: readonly (readonly [string, number])[], reached = 0, isWhole = true) =>
    counts.judgeMoment([a, b], new Map(rows), reached, isWhole)?.kind
  expect(judge([[a, 1]])).toBeUndefined()
  expect(
    judge([
      [a, 2],
      [b, 1],
    ]),
  ).toBeUndefined()
  expect(judge([[a, 2]])).toBeDefined()
  expect(judge([[a, 2]], 0, false)).toBeUndefined()
  expect(judge([[b, 1]])).toBe('nulls')
  expect(
    judge([
      [a, 4],
      [b, 1],
    ]),
  ).toBe('wrong')
  expect(
    judge(
      [
        [a, 2],
        [b, 1],
      ],
      4,
    ),
  ).toBe('wrong')
})

test('behind a repartition topic counts neither go back nor differ at an offset', () => {
  const written = new Written()
  for (let record = 0; record < 3; record++) written.note('k00001')
  const counts = new GrowingCounts('mirrors', written)
  const judge = (count: number, offset: number) => counts.judge('10000k', count, offset)?.kind
  expect([judge(0, 2), judge(2, 9), judge(1, 5), judge(2, 12)]).toEqual([undefined, undefined, undefined, undefined])
  expect([judge(2, 5), judge(1, 9), judge(0, 6), judge(4, 20)]).toEqual(['wrong', 'wrong', 'nulls', 'wrong'])
  expect(counts.judgeSince('10000k', 1, 9)?.kind).toBe('wrong')
})
