import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readInner, writeInner } from '../../src/serde/call-serde.ts'
import type { Serde } from '../../src/serde/serde.ts'

export interface SerdeExamples<T> {
  /** Random values of the serde's type. */
  readonly values: fc.Arbitrary<T>
  /** Values of other types: writing each must throw a `TypeError`. */
  readonly wrongTypes: readonly unknown[]
  /** Bytes (hex) that are no value of the type: reading each must throw. */
  readonly badBytes: readonly string[]
}

/** The promises of every serde, by its required members and by the optional ones that it has. */
export function serdeConformance<T>(serde: Serde<T>, examples: SerdeExamples<T>): void {
  describe(`${serde.name} as a serde`, () => {
    test('gives back what was written', () => {
      fc.assert(
        fc.property(examples.values, (value) => {
          expect(serde.deserialize(serde.serialize(value))).toStrictEqual(value)
        }),
      )
    })

    test('reads a plain Uint8Array as well as a Buffer', () => {
      fc.assert(
        fc.property(examples.values, (value) => {
          expect(serde.deserialize(new Uint8Array(serde.serialize(value)))).toStrictEqual(value)
        }),
      )
    })

    test('does not share memory with the buffer that it read from', () => {
      fc.assert(
        fc.property(examples.values, (value) => {
          const bytes = Buffer.concat([Buffer.from([1, 2]), serde.serialize(value), Buffer.from([3])])
          const viaView = serde.deserialize(bytes.subarray(2, -1))
          const viaRead = readInner(serde, bytes, 2, bytes.length - 1)
          bytes.fill(0x20)
          expect(viaView).toStrictEqual(value)
          expect(viaRead).toStrictEqual(value)
        }),
      )
    })

    test('writes into a buffer what serialize gives, and only there', () => {
      fc.assert(
        fc.property(examples.values, fc.nat(20), fc.nat(400), (value, offset, slack) => {
          const expected = Buffer.from(serde.serialize(value))
          const buffer = Buffer.alloc(offset + expected.length + slack, 0xee)
          expect(writeInner(serde, value, buffer, offset)).toBe(offset + expected.length)
          expect(buffer.subarray(offset, offset + expected.length).equals(expected)).toBe(true)
          expect(buffer.subarray(0, offset).every((byte) => byte === 0xee)).toBe(true)
          expect(buffer.subarray(offset + expected.length).every((byte) => byte === 0xee)).toBe(true)
        }),
      )
    })

    test('answers -1 instead of truncating, however little is missing', () => {
      fc.assert(
        fc.property(examples.values, fc.nat(20), (value, offset) => {
          const length = serde.serialize(value).length
          for (let missing = 1; missing <= length; missing++) {
            expect(writeInner(serde, value, Buffer.alloc(offset + length - missing), offset)).toBe(-1)
          }
        }),
      )
    })

    test('says that it is primitive only if values are equal exactly when their bytes are', () => {
      fc.assert(
        fc.property(examples.values, examples.values, (left, right) => {
          const sameBytes = Buffer.from(serde.serialize(left)).equals(serde.serialize(right))
          const sameKey = serde.primitive === true ? new Set([left, right]).size === 1 : sameBytes
          expect(sameKey).toBe(sameBytes)
          expect(serde.primitive === true && typeof left === 'object').toBe(false)
        }),
      )
    })

    test.each(examples.wrongTypes)('refuses %o with a TypeError', (value) => {
      // This is unchecked on purpose: programs without types make this mistake.
      const wrong = value as T
      expect(() => serde.serialize(wrong)).toThrow(TypeError)
      expect(() => writeInner(serde, wrong, Buffer.alloc(100), 0)).toThrow(TypeError)
    })

    test.each(examples.badBytes)('refuses the bytes "%s"', (hex) => {
      const bytes = Buffer.from(hex, 'hex')
      expect(() => serde.deserialize(bytes)).toThrow(Error)
      expect(() => readInner(serde, bytes, 0, bytes.length)).toThrow(Error)
    })
  })
}
