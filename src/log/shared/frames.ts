import type { Socket } from 'node:net'
import { messageOf, MillraceError, type ErrorPlace } from '../../errors/millrace-error.ts'
import { PartitionMap } from '../log.ts'

/*
 * What the processes that share a log say to each other. Each begins with a hello. Frames follow, big-endian:
 * `length u32 | kind u8 | request u32 | JSON length u32 | JSON | payload`; the length counts what follows it. Bytes of
 * records are payload, as runs have them.
 */

/** Kinds of frames. A client asks, and gets one answer, page or failure to each request. */
export const CALL = 1
export const FETCH = 2
export const CANCEL = 3
export const PRODUCE = 4
export const ANSWER = 5
export const FAILED = 6
/** The holder gives the log to another process, which serves it in a moment. */
export const MOVES = 7
/** Asks for the next page of a snapshot. */
export const SNAPSHOT = 8

export interface Frame {
  readonly kind: number
  readonly request: number
  readonly message: unknown
  /** The bytes after the JSON lie in `buffer` from `payload` on. */
  readonly buffer: Buffer
  readonly payload: number
}

const HEADER_BYTES = 13
/** A frame has one batch of a producer or one page, and each of them at most one large record. */
const MAX_FRAME_BYTES = 2 ** 30

const MAGIC = 'MILLRACE-LOG'
export const HELLO_BYTES = MAGIC.length + 4
/** Changes with the frames. Processes of two versions refuse each other. */
export const WIRE_VERSION = 2

/** Returns what each side sends first. Its form is the same in all versions. */
export function hello(version = WIRE_VERSION): Buffer {
  const bytes = Buffer.alloc(HELLO_BYTES)
  bytes.write(MAGIC, 'latin1')
  bytes.writeUInt32BE(version, MAGIC.length)
  return bytes
}

/** Returns the version in a hello; undefined for bytes that are none. */
export function versionOf(bytes: Buffer): number | undefined {
  if (bytes.length < HELLO_BYTES || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return undefined
  return bytes.readUInt32BE(MAGIC.length)
}

/** Writes a frame. The parts of its payload are not copied. */
export function writeFrame(
  socket: Socket,
  kind: number,
  request: number,
  message: unknown,
  payload: readonly Buffer[] = [],
): void {
  const json = Buffer.from(JSON.stringify(message, tagged))
  let length = HEADER_BYTES - 4 + json.length
  for (const part of payload) length += part.length
  const head = Buffer.allocUnsafe(HEADER_BYTES + json.length)
  head.writeUInt32BE(length, 0)
  head.writeUInt8(kind, 4)
  head.writeUInt32BE(request, 5)
  head.writeUInt32BE(json.length, 9)
  json.copy(head, HEADER_BYTES)
  socket.cork()
  socket.write(head)
  for (const part of payload) socket.write(part)
  socket.uncork()
}

/** Takes frames out of the bytes that arrive. */
export class FrameReader {
  #chunks: Buffer[] = []
  #size = 0
  /** Bytes without which it is not worth looking. */
  #needed = 4

  /** Adds bytes, and calls `take` with each frame that is whole. @throws RangeError for what is no frame */
  push(chunk: Buffer, take: (frame: Frame) => void): void {
    this.#chunks.push(chunk)
    this.#size += chunk.length
    if (this.#size < this.#needed) return
    const bytes = this.#chunks.length === 1 ? chunk : Buffer.concat(this.#chunks, this.#size)
    let at = 0
    this.#needed = 4
    while (bytes.length - at >= 4) {
      const length = bytes.readUInt32BE(at)
      if (length < HEADER_BYTES - 4 || length > MAX_FRAME_BYTES) throw new RangeError('this is no frame')
      const end = at + 4 + length
      if (end > bytes.length) {
        this.#needed = 4 + length
        break
      }
      take(frameOf(bytes.subarray(at, end)))
      at = end
    }
    this.#chunks = at === bytes.length ? [] : [bytes.subarray(at)]
    this.#size = bytes.length - at
  }
}

function frameOf(buffer: Buffer): Frame {
  const payload = HEADER_BYTES + buffer.readUInt32BE(9)
  if (payload > buffer.length) throw new RangeError('this is no frame')
  const message: unknown = JSON.parse(buffer.toString('utf8', HEADER_BYTES, payload), untagged)
  return { kind: buffer.readUInt8(4), request: buffer.readUInt32BE(5), message, buffer, payload }
}

/** Names that stand for what JSON does not have. */
const PARTITIONS = '\u0000partitions'
const MAP = '\u0000map'
const NOTHING = '\u0000undefined'

/** Stands for undefined until the object that has it is whole: JSON.parse would leave the property out. */
const ABSENT = Object.freeze({})

function tagged(_key: string, value: unknown): unknown {
  if (value === undefined) return { [NOTHING]: true }
  if (value instanceof PartitionMap) return { [PARTITIONS]: [...value.entries()] }
  return value instanceof Map ? { [MAP]: [...value] } : value
}

function untagged(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  const object = value as Record<string, unknown>
  const { [PARTITIONS]: partitions, [MAP]: entries, [NOTHING]: isNothing } = object
  if (isNothing !== undefined) return ABSENT
  for (const name in object) if (object[name] === ABSENT) object[name] = undefined
  if (entries !== undefined) return new Map(entries as [unknown, unknown][])
  if (partitions === undefined) return value
  const map = new PartitionMap<unknown>()
  for (const [topic, partition, held] of partitions as [string, number, unknown][]) map.set(topic, partition, held)
  return map
}

interface SentError extends ErrorPlace {
  readonly code: string
  readonly message: string
  readonly hint?: string | undefined
}

/** Returns an error as data. What Millrace did not raise itself is MR_LOG_FAILED to those who asked. */
export function sentError(error: unknown): SentError {
  if (!(error instanceof MillraceError)) return { code: 'MR_LOG_FAILED', message: messageOf(error) }
  const { code, message, hint, node, task, store, topic, partition, offset } = error
  const place = { node, task, store, topic, partition, offset }
  // The error that is made of it adds the place again.
  const suffix = new MillraceError(code, '', place).message
  const text = message.endsWith(suffix) ? message.slice(0, message.length - suffix.length) : message
  return { code, message: text, hint, ...place }
}

export function receivedError(sent: unknown): MillraceError {
  const { code, message, ...rest } = sent as SentError
  return new MillraceError(code, message, rest)
}
