import { createRequire } from 'node:module'

type Crc32c = (bytes: Buffer) => number

/** CRC-32C of bytes, computed by the native binding if this platform has one, otherwise by WebAssembly. */
export const crc32c: Crc32c = load('@node-rs/crc32') ?? load('@platformatic/kafka')!

function load(name: string): Crc32c | undefined {
  try {
    const binding: { crc32c: Crc32c } = createRequire(import.meta.url)(name)
    return binding.crc32c
  } catch {
    return undefined
  }
}
