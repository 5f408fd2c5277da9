import { createRequire } from 'node:module'
import { crc32c as portable } from '@platformatic/kafka'

type Crc32c = (bytes: Buffer) => number

/** CRC-32C of the bytes: by the native binding where this platform has one, else by WebAssembly. */
export const crc32c: Crc32c = loadNative() ?? portable

function loadNative(): Crc32c | undefined {
  try {
    const binding: { crc32c: Crc32c } = createRequire(import.meta.url)('@node-rs/crc32')
    return binding.crc32c
  } catch {
    return undefined
  }
}
