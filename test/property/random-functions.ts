import type { DataType } from '../conformance/expressions.ts'
import type { Random } from '../state/support/random.ts'

/* Functions, in the expression language of the scenarios, that fit a type. */

export function valueFunction(random: Random, value: DataType, mayThrow: boolean): string {
  if (value === 'long') return random.pick(['v|add:1', 'v|mul:2', 'v|mod:3', 'v|show', 'v|nullIf:3', 'kv'])
  return random.pick([
    'v|upper',
    'v|append:!',
    'v|reverse',
    'v|firstChar',
    'v|rest',
    'v|len',
    'v|toLong',
    'v|nullIf:x',
    'v|field:0',
    'kv',
    ...(mayThrow ? ['v|throwIf:xyz'] : []),
  ])
}

export function keyFunction(random: Random, key: DataType, value: DataType): string {
  if (typeof key === 'object') return random.pick(['k|wkey', 'k|wkey', 'k|show', 'k|wstart'])
  if (value === 'long') return random.pick(['v|mod:3', 'v|show', 'k', 'k|append:k', 'k|nullIf:c'])
  return random.pick(['v|firstChar', 'v|len', 'v|field:0', 'v', 'k|append:k', 'k|nullIf:c'])
}

export function predicate(random: Random, key: DataType, value: DataType, mayThrow: boolean): string {
  if (typeof key === 'object') return 'k|show|ne:a@0/10'
  if (value === 'long')
    return random.pick(['v|isEven', 'v|gt:2', 'v|notNull', 'k|ne:a', ...(mayThrow ? ['v|throwIf:4|notNull'] : [])])
  return random.pick(['v|lenGt:1', 'v|contains:x', 'v|notNull', 'k|ne:a', 'v|ne:x'])
}

export function joinerFor(random: Random, left: DataType, right: DataType, withKey: boolean): string {
  if (left === 'long' && right === 'long' && random.chance(0.5)) return 'sum'
  return random.pick(['concat', 'left', 'right', 'nullIfRightNull', 'nullIfEqual', ...(withKey ? ['keyConcat'] : [])])
}

export function reducerFor(random: Random, value: DataType): string {
  if (value === 'long') return random.pick(['sum', 'min', 'max', 'last', 'sumNullAt:5'])
  return random.pick(['concat', 'last', 'first', 'concatNullOn:x'])
}

/** Returns an aggregator, and an initial value of its type. */
export function aggregatorFor(
  random: Random,
  value: DataType,
): { readonly agg: string; readonly init: string | number } {
  const ofNumbers = value === 'long' ? ['sum', 'sumNullAt:4'] : []
  const agg = random.pick(['plus', 'keyed', 'count', 'plusNullOn:x', ...ofNumbers])
  return { agg, init: agg === 'count' || agg.startsWith('sum') ? 0 : 'i' }
}
