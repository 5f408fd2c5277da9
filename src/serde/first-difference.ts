/**
 * Returns the path of the first place at which two values differ, with the difference: `$.when: a Date became a
 * string`. Returns undefined if they do not differ. Zeros of both signs are equal, and so are two NaN. An object
 * without prototype equals a plain one, and a property that is undefined equals a missing one.
 */
export function firstDifference(value: unknown, readBack: unknown): string | undefined {
  return compare(value, readBack, '$', WITH_VALUES)
}

/** Returns the same for those who may not see the values: `$.sum: a bigint became a number`. */
export function firstDifferenceInKind(value: unknown, readBack: unknown): string | undefined {
  return compare(value, readBack, '$', IN_KIND)
}

/** How values, and keys of maps in paths, are put into words. */
interface Describe {
  value(value: unknown): string
  key(key: unknown): string
}

const WITH_VALUES: Describe = { value: shown, key: String }
const IN_KIND: Describe = { value: kindOf, key: kindOf }

function compare(a: unknown, b: unknown, path: string, describe: Describe): string | undefined {
  if (a === b || (a !== a && b !== b)) return undefined
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return differs(a, b, path, describe)
  if (a instanceof Uint8Array && b instanceof Uint8Array) {
    return Buffer.compare(a, b) === 0 ? undefined : `${path}: the bytes are not the same`
  }
  if (prototypeOf(a) !== prototypeOf(b)) return differs(a, b, path, describe)
  if (a instanceof Date && b instanceof Date) return compare(a.getTime(), b.getTime(), path, describe)
  if (Array.isArray(a) && Array.isArray(b)) return compareArrays(a, b, path, describe)
  if (a instanceof Map && b instanceof Map) return compareMaps(a, b, path, describe)
  if (a instanceof Set && b instanceof Set) return compareArrays([...a], [...b], path, describe)
  if (a instanceof RegExp) return String(a) === String(b) ? undefined : differs(a, b, path, describe)
  return compareProperties(a, b, path, describe)
}

function compareArrays(
  a: readonly unknown[],
  b: readonly unknown[],
  path: string,
  describe: Describe,
): string | undefined {
  if (a.length !== b.length) return `${path}: ${a.length} elements became ${b.length}`
  for (let i = 0; i < a.length; i++) {
    const difference = compare(a[i], b[i], `${path}[${i}]`, describe)
    if (difference !== undefined) return difference
  }
  return undefined
}

function compareMaps(
  a: ReadonlyMap<unknown, unknown>,
  b: ReadonlyMap<unknown, unknown>,
  path: string,
  describe: Describe,
): string | undefined {
  if (a.size !== b.size) return `${path}: ${a.size} entries became ${b.size}`
  const others = b.entries()
  for (const [key, value] of a) {
    const [otherKey, other] = others.next().value ?? [undefined, undefined]
    const difference =
      compare(key, otherKey, `${path}.keys`, describe) ??
      compare(value, other, `${path}.get(${describe.key(key)})`, describe)
    if (difference !== undefined) return difference
  }
  return undefined
}

function compareProperties(a: object, b: object, path: string, describe: Describe): string | undefined {
  const others = new Map<string, unknown>(Object.entries(b))
  for (const [name, value] of Object.entries(a)) {
    const at = `${path}.${name}`
    const other = others.get(name)
    if (other === undefined && value !== undefined) return `${at}: ${describe.value(value)} was lost`
    const difference = compare(value, other, at, describe)
    if (difference !== undefined) return difference
    others.delete(name)
  }
  for (const [name, value] of others) {
    if (value !== undefined) return `${path}.${name}: ${describe.value(value)} appeared`
  }
  return undefined
}

/** Returns the prototype; for objects and arrays of another realm (the `vm` context of a test), that of this realm. */
function prototypeOf(value: object): unknown {
  const prototype: object | null = Object.getPrototypeOf(value)
  if (prototype === null || Object.hasOwn(prototype, 'isPrototypeOf')) return Object.prototype
  return Array.isArray(prototype) ? Array.prototype : prototype
}

function differs(a: unknown, b: unknown, path: string, describe: Describe): string {
  return `${path}: ${describe.value(a)} became ${describe.value(b)}`
}

function shown(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value).slice(0, 60)
  return value === null || value === undefined || typeof value === 'object'
    ? kindOf(value)
    : `${typeof value} ${String(value).slice(0, 60)}`
}

function kindOf(value: unknown): string {
  const isSpecial = typeof value === 'number' && !Number.isFinite(value)
  if (value === null || value === undefined || isSpecial) return String(value)
  if (typeof value !== 'object') return `a ${typeof value}`
  const name: unknown = value.constructor?.name
  return typeof name !== 'string' || name === 'Object' ? 'an object' : `a ${name}`
}
