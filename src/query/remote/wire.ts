import { MillraceError, type ErrorPlace } from '../../errors/millrace-error.ts'
import type { StoreSpec } from '../../topology/store-spec.ts'
import { mapBytes } from '../map-bytes.ts'
import type { RowPage, RowRequest, RowSource } from '../row-request.ts'

/*
 * How one instance asks another: a POST of JSON, to which the answer is frames, or a problem (RFC 9457). The version is
 * a part of the path: an instance that does not know it has no such path. Rows go as they are stored. Only the instance
 * that was asked first makes values of them.
 */

export const PEER_PATH = '/internal/v1/query'
/** The media type of an answer that is frames. */
export const PEER_TYPE = 'application/vnd.millrace.rows'

/** What an instance asks another. Bytes are base64. */
export interface PeerRequest {
  readonly application: string
  /** The format that the asker takes the store's rows for. */
  readonly format: string
  readonly request: Readonly<Record<string, unknown>>
}

/** Returns the text of a request. */
export function encodeRequest(application: string, format: string, request: RowRequest): string {
  const body: PeerRequest = { application, format, request: mapBytes(request, base64) as PeerRequest['request'] }
  return JSON.stringify(body)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}

/** Returns what the bytes of a store's rows depend on. During a rolling upgrade instances may differ in it. */
export function formatOf(spec: StoreSpec): string {
  const serdes = `${spec.keySerde.name} ${spec.valueSerde.name}`
  return spec.kind === 'window' ? `window ${spec.windowSize} ${serdes}` : `${spec.kind} ${serdes}`
}

const MORE = 0
const LAST = 1
const FAILED = 2
/** Bytes before the body of a frame: its length and its kind. */
const HEADER = 5

/** A part of an answer. An answer is whole if its last frame is a page without more, or an error. */
export type Frame =
  | { readonly kind: 'page'; readonly source: RowSource; readonly rows: Buffer; readonly more: boolean }
  | { readonly kind: 'failed'; readonly error: MillraceError }

/** Encodes a page: its source as JSON, with its length in front, then its rows. */
export function encodePage({ source, rows, more }: RowPage): Buffer {
  const json = Buffer.from(JSON.stringify(source))
  const frame = Buffer.allocUnsafe(HEADER + 4 + json.length + rows.length)
  frame.writeUInt32BE(4 + json.length + rows.length, 0)
  frame.writeUInt8(more === undefined ? LAST : MORE, 4)
  frame.writeUInt32BE(json.length, HEADER)
  json.copy(frame, HEADER + 4)
  rows.copy(frame, HEADER + 4 + json.length)
  return frame
}

/** Encodes what ends an answer before its last page. @param problem of the error, as JSON */
export function encodeFailure(problem: string): Buffer {
  const json = Buffer.from(problem)
  const frame = Buffer.allocUnsafe(HEADER + json.length)
  frame.writeUInt32BE(json.length, 0)
  frame.writeUInt8(FAILED, 4)
  json.copy(frame, HEADER)
  return frame
}

/** Takes the frames out of an answer, one after the other. */
export class FrameReader {
  readonly #chunks: AsyncIterator<Buffer>
  #read: Buffer = Buffer.alloc(0)

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  /** @throws RangeError if the answer is cut, or is none of these frames; what the stream throws */
  async next(): Promise<Frame> {
    await this.#fill(HEADER)
    const length = this.#read.readUInt32BE(0)
    const kind = this.#read.readUInt8(4)
    await this.#fill(HEADER + length)
    const body = this.#read.subarray(HEADER, HEADER + length)
    this.#read = this.#read.subarray(HEADER + length)
    if (kind === FAILED) return { kind: 'failed', error: errorOf(JSON.parse(body.toString())) }
    if (kind !== MORE && kind !== LAST) throw new RangeError(`there is no frame of kind ${kind}`)
    const rowsAt = 4 + body.readUInt32BE(0)
    const source: RowSource = JSON.parse(body.toString('utf8', 4, rowsAt))
    return { kind: 'page', source, rows: body.subarray(rowsAt), more: kind === MORE }
  }

  /** Reads the end of an answer, of which all frames were taken: its connection is free from then on. */
  async finish(): Promise<void> {
    await this.#chunks.next()
  }

  async #fill(length: number): Promise<void> {
    const parts = [this.#read]
    let filled = this.#read.length
    while (filled < length) {
      const { done, value } = await this.#chunks.next()
      if (done === true) throw new RangeError('the answer is cut')
      parts.push(value)
      filled += value.length
    }
    if (parts.length > 1) this.#read = Buffer.concat(parts, filled)
  }
}

/** Returns the error of a problem that another instance has sent. @throws RangeError if it is none */
export function errorOf(problem: unknown): MillraceError {
  const { code, detail, hint, ...rest } = Object(problem) as Readonly<Record<string, unknown>>
  if (typeof code !== 'string' || !/^MR_[A-Z_]+$/.test(code) || typeof detail !== 'string') {
    throw new RangeError('the answer is no problem of Millrace')
  }
  const { node, task, store, topic, partition, offset } = rest as ErrorPlace
  const place = { node, task, store, topic, partition, offset }
  // The detail has the place at its end, which the error adds itself.
  const suffix = new MillraceError(code, '', place).message
  const message = detail.endsWith(suffix) ? detail.slice(0, detail.length - suffix.length) : detail
  return new MillraceError(code, message, { ...place, hint: typeof hint === 'string' ? hint : undefined })
}
