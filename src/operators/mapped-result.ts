import { MillraceError } from '../errors/millrace-error.ts'
import { isThenable } from '../platform/thenable.ts'
import type { OperatorContext } from './operator.ts'
import { promised, settled } from './user-result.ts'

/**
 * What the function of `map`, `flatMap` or a table's `groupBy` gave for one record.
 * @throws MR_MAP_RESULT if it is not a pair; MR_PROMISE
 */
export function checkPair(
  pair: readonly [unknown, unknown] | null | undefined,
  operator: 'map' | 'mapAsync' | 'flatMap' | 'groupBy',
  context: OperatorContext,
): readonly [unknown, unknown] {
  if (Array.isArray(pair) && pair.length === 2) {
    if (isThenable(pair[0]) || isThenable(pair[1])) throw promised(context, pair)
    return pair
  }
  settled(pair, context)
  const what = operator === 'flatMap' ? 'gave an element that is' : 'returned'
  throw new MillraceError('MR_MAP_RESULT', `the function of ${operator}() ${what} ${describe(pair)}, not a pair`, {
    node: context.node,
    task: context.taskId,
    hint: 'Return [key, value]; to leave records out use filter(), or flatMap() with an empty array.',
  })
}

/**
 * What the function of `flatMap` or `flatMapValues` gave for one record, whole: a generator may fail at its last
 * element, and nothing of the record must be forwarded by then.
 * @throws MR_MAP_RESULT if it cannot be iterated; MR_PROMISE; what the iterator throws
 */
export function checkIterable<T>(
  elements: Iterable<T> | null | undefined,
  operator: 'flatMap' | 'flatMapValues' | 'flatMapValuesAsync',
  context: OperatorContext,
): readonly T[] {
  if (elements !== null && elements !== undefined && typeof elements[Symbol.iterator] === 'function') {
    const list: readonly T[] = Array.isArray(elements) ? elements : [...elements]
    checkElements(list, operator, context)
    return list
  }
  settled(elements, context)
  throw new MillraceError('MR_MAP_RESULT', `the function of ${operator}() returned ${describe(elements)}, not a list`, {
    node: context.node,
    task: context.taskId,
    hint: 'Return an iterable; an empty array leaves the record out.',
  })
}

function checkElements(
  elements: readonly unknown[],
  operator: 'flatMap' | 'flatMapValues' | 'flatMapValuesAsync',
  context: OperatorContext,
): void {
  for (const element of elements) {
    const isPromise =
      isThenable(element) || (operator === 'flatMap' && Array.isArray(element) && element.some(isThenable))
    if (isPromise) throw promised(context, elements.flat())
  }
}

function describe(value: unknown): string {
  if (value === null || value === undefined) return String(value)
  return Array.isArray(value) ? `an array of ${value.length}` : `a value of type ${typeof value}`
}
