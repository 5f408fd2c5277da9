import { ignoreRejection, isThenable } from '../../platform/thenable.ts'
import { wrongResult } from '../definition/connector.ts'

/** Calls `take` with what `transform` makes of a record. @throws what `transform` throws; MR_CONNECTOR_RESULT */
export function transformed<R extends object>(
  connector: string,
  transform: ((record: R) => R | readonly R[] | undefined) | undefined,
  record: R,
  take: (record: R) => void,
): void {
  const made = transform === undefined ? record : transform(record)
  if (made === undefined) return
  if (isList(made)) for (const each of made) take(checked(connector, each))
  else take(transform === undefined ? made : checked(connector, made))
}

function isList<R>(made: R | readonly R[]): made is readonly R[] {
  return Array.isArray(made)
}

function checked<R>(connector: string, made: R): R {
  if (typeof made === 'object' && made !== null && !isThenable(made)) return made
  ignoreRejection(made)
  const what = isThenable(made) ? 'a promise' : `${String(made)}`
  throw wrongResult(connector, `transform returned ${what}`, 'Return a record, a list of records, or undefined.')
}
