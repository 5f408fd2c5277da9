import type { Headers } from './headers.ts'

/** The header that names the trace of a record (W3C Trace Context, section 3.2). */
export const TRACEPARENT = 'traceparent'

/** Version, trace, parent and flags. A later version may add more. */
const PARTS = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-|$)/

/** Returns the id of the trace that a record belongs to, 32 hex digits, if its headers name one. */
export function traceIdOf(headers: Headers): string | undefined {
  return PARTS.exec(headers.getString(TRACEPARENT) ?? '')?.[1]
}
