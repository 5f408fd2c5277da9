/** Bytes: text where they are UTF-8. */
export type Bytes = string | { readonly base64: string } | null

/** A key or a value that was decoded, or its bytes and the reason why it was not. */
export type Part = { readonly value: unknown } | { readonly bytes: Bytes; readonly error: string }

export type Headers = readonly (readonly [name: string, value: Bytes])[]

export interface DeadLetter {
  readonly kind: 'dead-letter'
  readonly id: string
  readonly replayed?: boolean
  readonly origin: {
    readonly topic: string | null
    readonly partition: number
    readonly offset: number
    readonly timestamp: number
  }
  readonly code?: string
  readonly node?: string
  readonly task?: string
  readonly exception: string
  readonly message: string
  readonly stack: string
  readonly headers: Headers
  readonly key: Part
  readonly value: Part
}

/** What else is in the topic of dead letters. */
export interface NoDeadLetter {
  readonly kind: 'other'
  readonly id: string
  readonly reason: string
  readonly timestamp: number
  readonly headers: Headers
  readonly key: Bytes
  readonly value: Bytes
}

export type Letter = DeadLetter | NoDeadLetter

export interface LetterPage {
  readonly rows: readonly Letter[]
  readonly next: string | null
}

/** What a replay wrote, or would write. */
export interface Replay {
  readonly topic: string
  readonly partition: number
  readonly timestamp: number
  readonly headers: Headers
  readonly key: Bytes
  readonly value: Bytes
}

export interface ReplayAnswer {
  readonly outcomes: readonly { readonly id: string; readonly replay: Replay }[]
}

export function bytesText(bytes: Bytes): string {
  if (bytes === null) return 'none'
  return typeof bytes === 'string' ? bytes : `base64 ${bytes.base64}`
}

/** Returns a decoded part as text that can be changed; what was not decoded is what it was. */
export function editableText(part: Part): string {
  if ('value' in part) return typeof part.value === 'string' ? part.value : JSON.stringify(part.value, null, 2)
  return typeof part.bytes === 'string' ? part.bytes : ''
}

/**
 * Returns what a changed text means: JSON where it is some, or else the text itself.
 *
 * @param part what it was: a text stays a text, even if it looks like a number
 */
export function editedValue(text: string, part: Part): unknown {
  if ('value' in part && typeof part.value === 'string') return text
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
