import { types } from 'node:util'

/** What JSON would lose of a value, and whether a bigint is in it. */
export interface JsonLoss {
  /** The path of the first place and what is there: `$.rate: NaN`. Undefined: nothing is lost. */
  readonly lost: string | undefined
  /** The path of the first bigint. */
  readonly bigint: string | undefined
}

let bigintAt: string | undefined
let asksBigints = true

/**
 * What writing a value as JSON would lose without a word: NaN and infinities, undefined in arrays, functions, symbols, and objects whose
 * content JSON does not see (Map, Set, Error, Promise …). What has `toJSON` is as it says; a field that is undefined is absent.
 *
 * @param ofBigints true: a bigint is written as its `toJSON` says, if programs gave it one; false: as it is
 * @throws RangeError for a value that holds itself; what its getters and `toJSON` throw
 */
export function jsonLoss(value: unknown, ofBigints: boolean): JsonLoss {
  bigintAt = undefined
  asksBigints = ofBigints
  const lost = lossIn(value, '', '$', false)
  return { lost, bigint: bigintAt }
}

function lossIn(value: unknown, key: string, path: string, mayBeAbsent: boolean): string | undefined {
  const said = speaksForItself(value) ? value.toJSON(key) : value
  switch (typeof said) {
    case 'number':
      return said - said === 0 ? undefined : `${path}: ${said}`
    case 'undefined':
      return mayBeAbsent ? undefined : `${path}: undefined`
    case 'bigint':
      bigintAt ??= path
      return undefined
    case 'function':
      return `${path}: a function`
    case 'symbol':
      return `${path}: a symbol`
    case 'object':
      return said === null ? undefined : lossInObject(said, path)
    default:
      return undefined
  }
}

function lossInObject(value: object, path: string): string | undefined {
  if (types.isBoxedPrimitive(value)) return lossIn(value.valueOf(), '', path, false)
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) {
      const found = lossIn(value[i], String(i), `${path}[${i}]`, false)
      if (found !== undefined) return found
    }
    return undefined
  }
  const fields = Object.entries(value)
  if (hidesItsContent(value) || (fields.length === 0 && Symbol.iterator in value)) {
    return `${path}: ${describeObject(value)}`
  }
  for (const [name, field] of fields) {
    const found = lossIn(field, name, `${path}.${name}`, true)
    if (found !== undefined) return found
  }
  return undefined
}

/** JSON asks bigints, too: many programs give `BigInt.prototype` a `toJSON`. */
function speaksForItself(value: unknown): value is { toJSON(key: string): unknown } {
  if (typeof value !== 'object' && !(typeof value === 'bigint' && asksBigints)) return false
  return value !== null && 'toJSON' in Object(value) && typeof Object(value).toJSON === 'function'
}

function hidesItsContent(value: object): boolean {
  return (
    types.isMap(value) ||
    types.isSet(value) ||
    types.isPromise(value) ||
    types.isNativeError(value) ||
    types.isRegExp(value) ||
    types.isWeakMap(value) ||
    types.isWeakSet(value) ||
    types.isAnyArrayBuffer(value) ||
    types.isDataView(value)
  )
}

function describeObject(value: object): string {
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' ? `a ${name}` : 'an object'
}
