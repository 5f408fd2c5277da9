import type { Headers } from './headers.ts'

/** The header that names the trace of a record (W3C Trace Context, section 3.2). */
export const TRACEPARENT = 'traceparent'

/** Version, trace, parent and flags. A later version may add more. */
const PARTS = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-|$)/

/** Returns the id of the trace that a record belongs to, 32 hex digits, if its headers name one. */
export function traceIdOf(headers: Headers): string | undefined {
  return PARTS.exec(headers.getString(TRACEPARENT) ?? '')?.[1]
}

/** Bytes of version, trace, parent and flags, with hyphens between them. */
const LENGTH = 55
const NINE = 0x39

/** Returns the `traceparent` of a record whose trace is sampled; undefined: it has none, or is not sampled. */
export function sampledParent(headers: Headers): string | undefined {
  if (headers.length === 0) return undefined
  const value = headers.get(TRACEPARENT)
  if (value === null || value === undefined || value.length < LENGTH) return undefined
  if (!isOdd(value[LENGTH - 1] as number)) return undefined
  const text = value.toString('latin1')
  return PARTS.test(text) ? `00-${text.slice(3, LENGTH)}` : undefined
}

/** The lowest bit of the flags is that of sampled traces. Codes of digits are odd as they are, those of letters not. */
function isOdd(hexDigit: number): boolean {
  return (hexDigit & 1) === (hexDigit <= NINE ? 1 : 0)
}

/** Returns the headers with another `traceparent`. */
export function withParent(headers: Headers, traceparent: string): Headers {
  return headers.copy().remove(TRACEPARENT).add(TRACEPARENT, traceparent)
}
