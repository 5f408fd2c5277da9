import { types } from 'node:util'
import { MillraceError } from '../errors/millrace-error.ts'
import { ignoreRejection, isAsyncFunction, isThenable } from '../platform/thenable.ts'
import type { Serde } from './serde.ts'

/*
 * Every call of a serde's functions goes through here. A serde may lack the fast paths, and may be asynchronous by
 * mistake: a promise would be taken for the value, or for bytes without length.
 */

/** Reads the value in [start, end). @throws MR_PROMISE; what the serde throws */
export function readInner<T>(serde: Serde<T>, buffer: Buffer, start: number, end: number): T {
  const value =
    serde.read === undefined ? serde.deserialize(buffer.subarray(start, end)) : serde.read(buffer, start, end)
  if (typeof value === 'object' && isThenable(value)) throw promised(serde, value)
  return value
}

/** Reads the value in [start, end). @throws as `readInner` */
export type ReadValue<T> = (buffer: Buffer, start: number, end: number) => T

/** Serdes whose `read` needs no look: none of their values has a `then`. */
const plain = new WeakSet<object>()

/** Marks a serde of Millrace's own of which no value has a function `then`. */
export function returningPlainValues<T>(serde: Serde<T>): Serde<T> {
  plain.add(serde)
  return serde
}

/** Returns what `readInner` does, for many values of one serde: what is known of it is looked up once. */
export function readerOf<T>(serde: Serde<T>): ReadValue<T> {
  if (serde.read !== undefined && plain.has(serde)) return serde.read
  return (buffer, start, end) => readInner(serde, buffer, start, end)
}

/** Writes at `offset`. Returns the offset after the value; -1 if the buffer is too small. @throws as `readInner` */
export function writeInner<T>(serde: Serde<T>, value: T, buffer: Buffer, offset: number): number {
  if (serde.write !== undefined) {
    const end = serde.write(value, buffer, offset)
    // Anything but an offset would make the caller grow the buffer forever.
    if (end >= 0 || end === -1) return end
    throw isThenable(end)
      ? promised(serde, end)
      : new TypeError(`write() of the serde "${serde.name}" returned no offset`)
  }
  const bytes = serialized(serde, value)
  if (buffer.length - offset < bytes.length) return -1
  buffer.set(bytes, offset)
  return offset + bytes.length
}

/** Returns the bytes of a value. @throws as `readInner` */
export function serialized<T>(serde: Serde<T>, value: T): Uint8Array {
  const bytes: unknown = serde.serialize(value)
  if (types.isUint8Array(bytes)) return bytes
  throw isThenable(bytes) ? promised(serde, bytes) : new TypeError(`the serde "${serde.name}" returned no bytes`)
}

const METHODS = ['serialize', 'deserialize', 'read', 'write'] as const

/** Returns a function of the serde that is `async`, and so cannot work; undefined if none is. */
export function asyncMethodOf(serde: Serde<unknown>): string | undefined {
  return METHODS.find((method) => isAsyncFunction(serde[method]))
}

function promised(serde: { readonly name: string }, result: unknown): MillraceError {
  ignoreRejection(result)
  return new MillraceError('MR_PROMISE', `the serde "${serde.name}" returned a promise`, {
    hint: 'Let the serde read and write synchronously: nothing is awaited between two records.',
  })
}
