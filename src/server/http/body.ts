import { MillraceError } from '../../errors/millrace-error.ts'
import { badRequest, wrongMediaType } from './problem.ts'

const JSON_TYPE = 'application/json'
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
  const length = Number(request.headers.get('content-length') ?? 0)
  if (length > most) throw tooLarge(most)
  const chunks: Uint8Array[] = []
  let size = 0
  try {
    for await (const chunk of request.body ?? []) {
      size += chunk.byteLength
      if (size > most) throw tooLarge(most)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof MillraceError) throw error
    throw badRequest('the body ended before it was whole', 'Send as many bytes as Content-Length says.')
  }
  return { type, text: checked(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)) }
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

/** Returns how deeply arrays and objects are nested in JSON text. */
function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '"') at = endOfString(text, at)
    else if (char === '[' || char === '{') deepest = Math.max(deepest, ++depth)
    else if (char === ']' || char === '}') depth--
  }
  return deepest
}

/** Returns where the string ends that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}

function tooLarge(most: number): MillraceError {
  return new MillraceError('MR_SERVER_BODY', `the body is larger than ${most} bytes`, {
    hint: 'Send less at a time, or raise limits.body of serve().',
  })
}
