import { MillraceError } from '../../errors/millrace-error.ts'
import { JSON_TYPE } from './media-types.ts'
import { badRequest, wrongMediaType } from './problem.ts'

const JSON_ALONE = [JSON_TYPE]

/** The text of a body, and what the request says that it is. */
export interface BodyText {
  /** Media type, in lower case and without parameters. */
  readonly type: string
  readonly text: string
}

/** Arrays and objects within one another. What checks values calls itself once for each. */
const MOST_DEPTH = 100

/**
 * Reads the JSON text of a body.
 *
 * @param most bytes; the rest of a longer body is not read
 * @throws MR_SERVER_MEDIA_TYPE unless the request says that it is JSON, which a form of a web page cannot;
 * MR_SERVER_BODY, MR_SERVER_REQUEST
 */
export async function readJsonText(request: Request, most: number): Promise<string> {
  return (await readText(request, JSON_ALONE, most)).text
}

/**
 * Reads the text of a body.
 *
 * @param types media types that it may have
 * @param most bytes; the rest of a longer body is not read
 * @throws MR_SERVER_MEDIA_TYPE for another type, or none; MR_SERVER_BODY, MR_SERVER_REQUEST
 */
export async function readText(request: Request, types: readonly string[], most: number): Promise<BodyText> {
  const type = (request.headers.get('content-type') ?? '').split(';', 1)[0]!.trim().toLowerCase()
  if (!types.includes(type)) throw wrongMediaType(types)
  const length = Number(request.headers.get('content-length') ?? Infinity)
  if (length > most && length !== Infinity) throw tooLarge(most)
  let body: Uint8Array
  try {
    // A body whose length is known is read at once, which takes a fraction of the time.
    body = length <= most ? new Uint8Array(await request.arrayBuffer()) : await readChunks(request, most)
  } catch (error) {
    if (error instanceof MillraceError) throw error
    throw badRequest('the body ended before it was whole', 'Send as many bytes as Content-Length says.')
  }
  if (body.byteLength > most) throw tooLarge(most)
  return { type, text: checked(body) }
}

async function readChunks(request: Request, most: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength
    if (size > most) throw tooLarge(most)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function checked(body: Uint8Array): string {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw badRequest('the body is not UTF-8', 'Encode JSON as UTF-8.')
  }
  if (depthOf(text) > MOST_DEPTH) {
    throw badRequest('the body is nested too deeply', `Nest at most ${MOST_DEPTH} arrays and objects.`)
  }
  return text
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c]
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b])
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d])

/** Returns how deeply arrays and objects are nested in JSON text. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === QUOTE) at = endOfString(text, at)
    // Most characters are letters and digits outside of these.
    else if (char >= 0x5b) {
      if (OPENING.has(char)) deepest = Math.max(deepest, ++depth)
      else if (CLOSING.has(char)) depth--
    }
  }
  return deepest
}

/** Returns where the string ends that begins at `start`. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end
  }
  return text.length
}

function tooLarge(most: number): MillraceError {
  return new MillraceError('MR_SERVER_BODY', `the body is larger than ${most} bytes`, {
    hint: 'Send less at a time, or raise limits.body of serve().',
  })
}
