import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads'
import type { EngineIterator, EngineRange } from '../engine.ts'
import { engineFailure } from '../files/engine-failure.ts'
import type { NumberedReply, ScanReply, ScanRequest, ScanWorkerData } from './level-scan-protocol.ts'
import { NO_BYTES } from '../../platform/no-bytes.ts'

const FIRST_ROWS = 32
const MOST_ROWS = 1024
/** ms of silence after which the thread counts as dead. */
const GIVE_UP_MS = 30_000

let shared: ScanThread | undefined
let lastDatabase = 0
let lastIterator = 0

/** The thread that scans LevelDB for the engines of this thread. `ask` blocks until it replies. */
class ScanThread {
  readonly #signal = new Int32Array(new SharedArrayBuffer(4))
  readonly #port: MessagePort
  #asked = 0

  constructor() {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    const file = import.meta.url.endsWith('.ts') ? './level-scan-worker.ts' : './level-scan-worker.js'
    const workerData: ScanWorkerData = { signal: this.#signal, port: port2 }
    new Worker(new URL(file, import.meta.url), { workerData, transferList: [port2], execArgv: [] }).unref()
  }

  tell(request: ScanRequest): void {
    this.#port.postMessage(request, [])
  }

  ask(request: ScanRequest, directory: string): ScanReply {
    const number = ++this.#asked
    this.#port.postMessage({ ...request, number }, [])
    const reply = this.#replyTo(number)
    if (reply.type === 'failed') throw engineFailure('level', directory, new Error(reply.message))
    return reply
  }

  /** Skips replies to earlier requests, which were given up. */
  #replyTo(number: number): ScanReply {
    for (;;) {
      Atomics.store(this.#signal, 0, 0)
      const reply: NumberedReply | undefined = receiveMessageOnPort(this.#port)?.message
      if (reply?.number === number) return reply
      if (reply === undefined && Atomics.wait(this.#signal, 0, 0, GIVE_UP_MS) === 'timed-out') {
        return { type: 'failed', message: 'the scanning thread does not reply' }
      }
    }
  }
}

/** Synchronous scans of one LevelDB database, which must be open in this thread with `multithreading`. */
export class LevelScanner {
  readonly #directory: string
  readonly #thread: ScanThread
  readonly #database: number
  readonly #open = new Set<LevelIterator>()

  constructor(directory: string) {
    this.#directory = directory
    this.#thread = shared ??= new ScanThread()
    this.#database = ++lastDatabase
    this.#thread.ask({ type: 'attach', database: this.#database, directory }, directory)
  }

  iterate(range: EngineRange): EngineIterator {
    const iterator = ++lastIterator
    const first = this.#thread.ask(
      {
        type: 'open',
        database: this.#database,
        iterator,
        gte: range.gte,
        lt: range.lt,
        reverse: range.reverse ?? false,
        count: Math.min(FIRST_ROWS, range.limit ?? FIRST_ROWS),
      },
      this.#directory,
    )
    const opened = new LevelIterator(
      first,
      (count) => this.#thread.ask({ type: 'more', iterator, count }, this.#directory),
      () => {
        this.#open.delete(opened)
        this.#thread.tell({ type: 'close', iterator })
      },
      range.limit,
    )
    this.#open.add(opened)
    return opened
  }

  close(): void {
    for (const iterator of this.#open) iterator.close()
    this.#thread.ask({ type: 'detach', database: this.#database }, this.#directory)
  }
}

class LevelIterator implements EngineIterator {
  key: Buffer = NO_BYTES
  value: Buffer = NO_BYTES
  readonly #more: (count: number) => ScanReply
  readonly #onClose: () => void
  #rows: Buffer = NO_BYTES
  #at = 0
  #finished = false
  #closed = false
  #count = FIRST_ROWS
  /** Number of rows that may still be read; negative: all. */
  #left: number

  constructor(first: ScanReply, more: (count: number) => ScanReply, onClose: () => void, limit = -1) {
    this.#left = limit
    this.#more = more
    this.#onClose = onClose
    this.#take(first)
  }

  next(): boolean {
    if (this.#left === 0) return false
    while (this.#at === this.#rows.length) {
      if (this.#finished || this.#closed) return false
      this.#count = Math.min(this.#count * 4, MOST_ROWS, this.#left > 0 ? this.#left : MOST_ROWS)
      this.#take(this.#more(this.#count))
    }
    const keyStart = this.#at + 8
    const keyEnd = keyStart + this.#rows.readUInt32LE(this.#at)
    const valueEnd = keyEnd + this.#rows.readUInt32LE(this.#at + 4)
    this.key = this.#rows.subarray(keyStart, keyEnd)
    this.value = this.#rows.subarray(keyEnd, valueEnd)
    this.#at = valueEnd
    this.#left--
    return true
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#rows = NO_BYTES
    this.#at = 0
    this.#onClose()
  }

  #take(reply: ScanReply): void {
    if (reply.type !== 'rows') return
    const { rows } = reply
    this.#rows = Buffer.from(rows.buffer, rows.byteOffset, rows.byteLength)
    this.#at = 0
    this.#finished = reply.finished
  }
}
