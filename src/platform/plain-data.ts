/**
 * True for data that reaches another thread unchanged: values without behaviour, bytes, and objects and arrays of
 * these. Objects with a class of their own could be sent, but would arrive without their methods.
 */
export function isPlainData(value: unknown): boolean {
  if (typeof value === 'function' || typeof value === 'symbol') return false
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return true
  if (Array.isArray(value)) return value.every(isPlainData)
  const prototype: unknown = Object.getPrototypeOf(value)
  return (prototype === Object.prototype || prototype === null) && Object.values(value).every(isPlainData)
}
