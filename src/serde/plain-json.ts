const { prototype: objectPrototype } = Object
const { prototype: arrayPrototype } = Array
const { getPrototypeOf } = Object

/**
 * True if JSON loses nothing of a value: it is a plain object or array of texts, booleans, null, finite numbers, and
 * fields that are undefined. False if JSON may lose something: `jsonLoss` looks closer.
 *
 * Makes no allocation, and no call for a field that is a primitive: every value that is written passes here.
 */
export function isPlainJson(value: unknown): boolean {
  if (typeof value !== 'object') return isPlain(value)
  if (value === null) return true
  try {
    return isPlainTree(value)
  } catch {
    // The value is nested too deeply, or a getter throws.
    return false
  }
}

function isPlain(value: unknown): boolean {
  return typeof value === 'number'
    ? // JSON has neither NaN nor infinity.
      value - value === 0
    : typeof value === 'string' || typeof value === 'boolean'
}

function isPlainTree(value: object): boolean {
  const prototype: unknown = getPrototypeOf(value)
  if (prototype === objectPrototype || prototype === null) {
    const fields = value as Record<string, unknown>
    for (const name in fields) {
      const field = fields[name]
      if (typeof field === 'object') {
        if (field !== null && !isPlainTree(field)) return false
      } else if (field !== undefined && !isPlain(field)) return false
    }
    return true
  }
  if (prototype !== arrayPrototype) return false
  const elements = value as unknown[]
  for (let i = 0; i < elements.length; i++) {
    const element = elements[i]
    if (typeof element === 'object' ? element !== null && !isPlainTree(element) : !isPlain(element)) return false
  }
  return true
}

/** Returns true if a format reads this bigint back as a bigint. */
export type KeepsBigint = (value: bigint) => boolean

/**
 * Copies a value that is plain in the sense of `isPlainJson`, as writing and reading JSON would: fields that are
 * undefined, symbol keys and hidden fields are left out, the result of an accessor becomes a field, -0 becomes 0, and
 * an object that occurs twice becomes two. Returns undefined if the value is not plain.
 *
 * @param keeps bigints that count as plain; none if it is undefined
 */
export function copyOfPlainJson(value: unknown, keeps: KeepsBigint | undefined): unknown {
  if (typeof value !== 'object') return isPlain(value) || isKept(value, keeps) ? (value === 0 ? 0 : value) : undefined
  if (value === null) return null
  try {
    return copyOfTree(value, keeps)
  } catch {
    // The value is nested too deeply, or a getter throws.
    return undefined
  }
}

/**
 * Copies a value that JSON returned: a spread copies all fields of an object at once, at a third of the price of
 * copying them one by one. `copyOther` copies values that JSON cannot have returned.
 */
export function cloneOfPlainJson(value: unknown, copyOther: (value: unknown) => unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const prototype: unknown = getPrototypeOf(value)
  if (prototype === objectPrototype) {
    const copy: Record<string, unknown> = { ...value }
    for (const name in copy) {
      const field = copy[name]
      if (typeof field !== 'object' || field === null) continue
      const cloned = cloneOfPlainJson(field, copyOther)
      if (name === '__proto__') setOwn(copy, name, cloned)
      else copy[name] = cloned
    }
    return copy
  }
  if (prototype !== arrayPrototype) return copyOther(value)
  const elements = (value as unknown[]).slice()
  for (let i = 0; i < elements.length; i++) elements[i] = cloneOfPlainJson(elements[i], copyOther)
  return elements
}

function isKept(value: unknown, keeps: KeepsBigint | undefined): boolean {
  return typeof value === 'bigint' && keeps?.(value) === true
}

/** Copies field by field: a spread would copy symbol keys, and takes as long where objects have many shapes. */
function copyOfTree(value: object, keeps: KeepsBigint | undefined): object | undefined {
  const prototype: unknown = getPrototypeOf(value)
  if (prototype === objectPrototype || prototype === null) return copyOfFields(value as Record<string, unknown>, keeps)
  return prototype === arrayPrototype ? copyOfElements(value as unknown[], keeps) : undefined
}

function copyOfFields(fields: Record<string, unknown>, keeps: KeepsBigint | undefined): object | undefined {
  const copy: Record<string, unknown> = {}
  for (const name in fields) {
    let field = fields[name]
    if (typeof field === 'object') {
      if (field !== null) {
        field = copyOfTree(field, keeps)
        if (field === undefined) return undefined
      }
    } else if (field === undefined) continue
    else if (field === 0) field = 0
    else if (!isPlain(field) && !isKept(field, keeps)) return undefined
    if (name === '__proto__') setOwn(copy, name, field)
    else copy[name] = field
  }
  return copy
}

function copyOfElements(elements: readonly unknown[], keeps: KeepsBigint | undefined): object | undefined {
  const copy: unknown[] = []
  for (let i = 0; i < elements.length; i++) {
    let element = elements[i]
    if (typeof element === 'object') {
      if (element !== null) {
        element = copyOfTree(element, keeps)
        if (element === undefined) return undefined
      }
    } else if (element === 0) element = 0
    else if (!isPlain(element) && !isKept(element, keeps)) return undefined
    copy.push(element)
  }
  return copy
}

/** Sets a field of any name: an assignment to `__proto__` would set the prototype. */
function setOwn(object: object, name: string, value: unknown): void {
  Object.defineProperty(object, name, { value, writable: true, enumerable: true, configurable: true })
}
