const { prototype: objectPrototype } = Object
const { prototype: arrayPrototype } = Array
const { getPrototypeOf } = Object

/** So many objects inside a value are compared with each other; those behind them with their neighbour. */
const COMPARED = 8

/** Objects inside the value that is being looked at. */
const seen: object[] = Array.from({ length: COMPARED }, () => objectPrototype)
let inside = 0
let exact = true

/** What JSON makes of a value. */
export const Fidelity = {
  /** It comes back as it is: a tree of plain objects and arrays, texts, booleans, null and finite numbers. */
  exact: 0,
  /**
   * Nothing is lost, but it comes back otherwise: without fields that are undefined, with 0 for -0, with two objects for one that
   * occurs twice, with a prototype for an object that has none.
   */
  restated: 1,
  /** It holds something else: whoever looks closer says what becomes of it. */
  doubtful: 2,
} as const

export type Fidelity = (typeof Fidelity)[keyof typeof Fidelity]

/**
 * Looks at every value that is put into a store or written, so: no allocation, and no call for a field that is a primitive. Symbol
 * keys and accessors are not seen here; `hiddenDifference` finds them, which takes longer than all of this.
 */
export function fidelityOf(value: unknown): Fidelity {
  exact = true
  if (typeof value !== 'object') return !isPlain(value) ? Fidelity.doubtful : exact ? Fidelity.exact : Fidelity.restated
  if (value === null) return Fidelity.exact
  try {
    if (!isPlainTree(value)) return Fidelity.doubtful
    return exact ? Fidelity.exact : Fidelity.restated
  } catch {
    // Nested without end, or a getter that throws.
    return Fidelity.doubtful
  } finally {
    if (inside > 0) forget()
  }
}

function isPlain(value: unknown): boolean {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return true
    case 'number':
      if (value === 0 && 1 / value < 0) exact = false
      // JSON has neither NaN nor infinity.
      return value - value === 0
    default:
      return false
  }
}

function isPlainTree(value: object): boolean {
  const prototype: unknown = getPrototypeOf(value)
  if (prototype === objectPrototype || prototype === null) {
    if (prototype === null) exact = false
    const fields = value as Record<string, unknown>
    for (const name in fields) {
      const field = fields[name]
      if (typeof field === 'object') {
        if (field !== null && !isPlainChild(field)) return false
      } else if (field === undefined) exact = false
      else if (!isPlain(field)) return false
    }
    return true
  }
  if (prototype !== arrayPrototype) return false
  const elements = value as unknown[]
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i]
    if (typeof element === 'object' ? element !== null && !isPlainChild(element) : !isPlain(element)) return false
  }
  return true
}

/** An object that occurs twice comes back as two, and a change to one of them tells. `fill({})` is the usual way to get there. */
function isPlainChild(value: object): boolean {
  for (let i = 0; i < inside; i++) {
    if (seen[i] !== value) continue
    exact = false
    return true
  }
  if (inside < COMPARED) seen[inside++] = value
  else seen[COMPARED - 1] = value
  return isPlainTree(value)
}

/** What was seen is not kept alive. */
function forget(): void {
  for (let i = 0; i < inside; i++) seen[i] = objectPrototype
  inside = 0
}

/**
 * The path of the first thing in a value of exact or restated fidelity that is not a plain field, with what it is, or undefined if there
 * is none: what JSON leaves out, or freezes, without a trace.
 */
export function hiddenDifference(value: unknown): string | undefined {
  const found = typeof value === 'object' && value !== null ? hiddenIn(value) : undefined
  return found === undefined ? undefined : `$${found}`
}

function hiddenIn(value: object): string | undefined {
  const symbols = Object.getOwnPropertySymbols(value)
  if (symbols.length > 0) return `: the field ${String(symbols[0])} was lost`
  const isArray = Array.isArray(value)
  // Names of many elements would cost more than to write them.
  if (isArray && value.length > COMPARED) return hiddenInElements(value)
  for (const name of Object.getOwnPropertyNames(value)) {
    const property = Object.getOwnPropertyDescriptor(value, name)
    if (property === undefined || (isArray && name === 'length')) continue
    const at = isArray ? `[${name}]` : `.${name}`
    if (!('value' in property)) return `${at}: an accessor became a plain field`
    const field: unknown = property.value
    if (!property.enumerable || (isArray && !isIndex(name))) return `${at}: the field was lost`
    if (typeof field !== 'object' || field === null) continue
    const found = hiddenIn(field)
    if (found !== undefined) return `${at}${found}`
  }
  return undefined
}

function hiddenInElements(elements: readonly unknown[]): string | undefined {
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i]
    const found = typeof element === 'object' && element !== null ? hiddenIn(element) : undefined
    if (found !== undefined) return `[${i}]${found}`
  }
  return undefined
}

function isIndex(name: string): boolean {
  return String(Number(name)) === name
}
