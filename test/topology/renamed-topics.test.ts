import { expect, test } from 'vitest'
import { renamedTopics } from '../../src/topology/renamed-topics.ts'

const changelog = (number: number, prefix = 'KSTREAM-AGGREGATE-STATE-STORE-'): string =>
  `app-${prefix}${String(number).padStart(10, '0')}-changelog`

test('a missing topic is paired with an unused one of the same kind, in the order of their numbers', () => {
  const joins = ['KSTREAM-JOINTHIS-', 'KSTREAM-OUTEROTHER-']
  const wanted = [changelog(4), changelog(9), ...joins.map((join, i) => changelog(12 + i, join))]
  const existing = [changelog(5), changelog(10), ...joins.map((join, i) => changelog(13 + i, join)), 'app-in', 'out']
  expect(renamedTopics('app', wanted, existing)).toEqual([
    { before: changelog(5), now: changelog(4) },
    { before: changelog(10), now: changelog(9) },
    { before: changelog(13, joins[0]), now: changelog(12, joins[0]) },
    { before: changelog(14, joins[1]), now: changelog(13, joins[1]) },
  ])
})

test('a number that another operator has taken over is noticed by the topic that is left over', () => {
  expect(renamedTopics('app', [changelog(7), changelog(11)], [changelog(3), changelog(7)])).toEqual([
    { before: changelog(3), now: changelog(11) },
  ])
})

test('only topics of this application, of one kind and with generated names, count as renamed', () => {
  const repartition = changelog(4).replace('changelog', 'repartition')
  const others = [
    changelog(5, 'KSTREAM-REDUCE-STATE-STORE-'),
    repartition,
    `app-${changelog(5)}`,
    'other',
    'app-b-changelog',
  ]
  expect(renamedTopics('app', [changelog(4), 'app-a-changelog'], others)).toEqual([])
  expect(renamedTopics('app', [changelog(4)], [])).toEqual([])
  expect(renamedTopics('app', [changelog(4)], [changelog(4), changelog(5)])).toEqual([])
})
