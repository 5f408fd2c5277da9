import { MillraceError } from '../errors.ts'
import type { OperatorContext } from './operator.ts'

/**
 * What the function of `map` or `flatMap` gave for one record.
 * @throws MR_MAP_RESULT if it is not a pair
 */
export function checkPair(
  pair: readonly [unknown, unknown] | null | undefined,
  operator: 'map' | 'flatMap',
  context: OperatorContext,
): readonly [unknown, unknown] {
  if (Array.isArray(pair) && pair.length === 2) return pair
  const what = operator === 'map' ? 'returned' : 'gave an element that is'
  throw new MillraceError('MR_MAP_RESULT', `the function of ${operator}() ${what} ${describe(pair)}, not a pair`, {
    node: context.node,
    task: context.taskId,
    hint: 'return [key, value]; to leave records out use filter(), or flatMap() with an empty array',
  })
}

/**
 * What the function of `flatMap` or `flatMapValues` gave for one record.
 * @throws MR_MAP_RESULT if it cannot be iterated
 */
export function checkIterable<T>(
  elements: Iterable<T> | null | undefined,
  operator: 'flatMap' | 'flatMapValues',
  context: OperatorContext,
): Iterable<T> {
  if (elements !== null && elements !== undefined && typeof elements[Symbol.iterator] === 'function') return elements
  throw new MillraceError('MR_MAP_RESULT', `the function of ${operator}() returned ${describe(elements)}, not a list`, {
    node: context.node,
    task: context.taskId,
    hint: 'return an iterable; an empty array leaves the record out',
  })
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return Array.isArray(value) ? `an array of ${value.length}` : `a value of type ${typeof value}`
}
