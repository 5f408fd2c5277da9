import { inspect } from 'node:util'
import { isPlainJson } from './plain-json.ts'

/**
 * Returns a value as JSON can hold it: bigints and numbers that are not finite as texts, bytes as `{ base64 }`, maps
 * and sets as arrays, and what cannot be written at all as text for people. A value that JSON holds is returned itself.
 */
export function jsonOf(value: unknown): unknown {
  if (isPlainJson(value)) return value
  try {
    return JSON.parse(JSON.stringify(value, plain) ?? 'null')
  } catch {
    return inspect(value)
  }
}

function plain(this: unknown, name: string, after: unknown): unknown {
  // `toJSON` has been called already.
  const before: unknown = Reflect.get(this as object, name)
  if (typeof before === 'bigint' || (typeof before === 'number' && !Number.isFinite(before))) return String(before)
  if (before instanceof Uint8Array) return { base64: Buffer.from(before).toString('base64') }
  if (before instanceof Map || before instanceof Set) return [...before]
  return after
}
