import { MillraceError } from '../../errors/millrace-error.ts'
import { mapBytes } from '../../query/map-bytes.ts'
import type { OpenScans } from '../../query/open-scans.ts'
import type { RowOwner, RowPage, RowRequest } from '../../query/row-request.ts'
import type { AskedRows, FromWorker, ToWorker } from './messages.ts'
import type { ValueReceiver, ValueSender } from './sent-error.ts'

/** The stores of a worker's tasks, asked from the main thread. */
export class RowsInThread implements RowOwner {
  readonly #post: (message: ToWorker) => void
  readonly #values: ValueReceiver
  readonly #waiting = new Map<number, PromiseWithResolvers<RowPage>>()
  #last = 0
  #isOver = false

  constructor(post: (message: ToWorker) => void, values: ValueReceiver) {
    this.#post = post
    this.#values = values
  }

  open(request: RowRequest): Promise<RowPage> {
    return this.#ask({ open: { ...request, query: alone(request.query) } })
  }

  next(scan: number): Promise<RowPage> {
    return this.#ask({ next: scan })
  }

  cancel(scan: number): void {
    if (!this.#isOver) this.#post({ type: 'query', id: 0, asked: { cancel: scan } })
  }

  received(message: Extract<FromWorker, { type: 'answer' | 'refusal' }>): void {
    const waiting = this.#waiting.get(message.id)
    this.#waiting.delete(message.id)
    if (message.type === 'refusal') waiting?.reject(this.#values.receive(message.error))
    else waiting?.resolve({ ...message.page, rows: bufferOf(message.page.rows) })
  }

  /** The worker has ended: whoever waits asks the next owner. */
  end(): void {
    this.#isOver = true
    for (const { reject } of this.#waiting.values()) reject(gone())
    this.#waiting.clear()
  }

  #ask(asked: AskedRows): Promise<RowPage> {
    if (this.#isOver) return Promise.reject(gone())
    const id = ++this.#last
    const waiting = Promise.withResolvers<RowPage>()
    this.#waiting.set(id, waiting)
    this.#post({ type: 'query', id, asked })
    return waiting.promise
  }
}

/** Carries a query out in the worker. */
export async function answerQuery(
  scans: OpenScans,
  { id, asked }: Extract<ToWorker, { type: 'query' }>,
  values: ValueSender,
  post: (message: FromWorker, moved: readonly ArrayBuffer[]) => void,
): Promise<void> {
  if ('cancel' in asked) return scans.cancel(asked.cancel)
  try {
    const page = await ('next' in asked ? scans.next(asked.next) : scans.open(revived(asked.open)))
    post({ type: 'answer', id, page }, [page.rows.buffer as ArrayBuffer])
  } catch (error) {
    post({ type: 'refusal', id, error: values.send(error) }, [])
  }
}

/** Copies the bytes of a query: a message takes along all of the memory that they are a part of. */
function alone(query: RowRequest['query']): RowRequest['query'] {
  return mapBytes(query, (bytes) => {
    const copy = Buffer.allocUnsafeSlow(bytes.length)
    copy.set(bytes)
    return copy
  }) as RowRequest['query']
}

/** Messages carry buffers as plain arrays of bytes. */
function revived(request: RowRequest): RowRequest {
  return { ...request, query: mapBytes(request.query, bufferOf) as RowRequest['query'] }
}

function bufferOf({ buffer, byteOffset, length }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, length)
}

function gone(): MillraceError {
  return new MillraceError('MR_QUERY_NOT_OWNER', 'the thread of the task has ended', {
    hint: 'Ask again: the task is opened elsewhere.',
  })
}
