/** An amount of memory: bytes, or a number with a unit: `'512MiB'`, `'1.5GiB'`, `'64kB'`. */
export type ByteSize = number | string

const FORM = /^(\d+(?:\.\d+)?)\s*([kKMGT]?i?B)$/
const UNITS: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KiB: 2 ** 10,
  kiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
  TiB: 2 ** 40,
}

/** Returns whole bytes; NaN for anything but a size. */
export function parseByteSize(size: ByteSize): number {
  const bytes = typeof size === 'number' ? size : typeof size === 'string' ? parseText(size) : Number.NaN
  return Number.isSafeInteger(bytes) && bytes >= 0 ? bytes : Number.NaN
}

function parseText(text: string): number {
  const match = FORM.exec(text.trim())
  return Math.floor(Number(match?.[1]) * (UNITS[match?.[2] ?? ''] ?? Number.NaN))
}
