import { types } from 'node:util'

/** The first place of a value that JSON would lose, and the first bigint. */
export interface JsonLoss {
  /** The path of the first lost place and its value: `$.rate: NaN`. Undefined: nothing is lost. */
  readonly lost: string | undefined
  /** The path of the first bigint. */
  readonly bigint: string | undefined
}

let bigintAt: string | undefined
let asksBigints = true

/**
 * Finds what JSON would silently lose of a value: NaN and infinities, undefined in arrays, functions, symbols, and
 * objects whose content JSON does not see (Map, Set, Error, Promise …). The result of `toJSON` counts for a value that
 * has it. A field that is undefined counts as absent.
 *
 * @param ofBigints true: the result of a bigint's `toJSON` is written, if programs gave it one; false: the bigint
 * itself
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

/** True for a value with a `toJSON`. JSON calls that of bigints, too: many programs add one to `BigInt.prototype`. */
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
