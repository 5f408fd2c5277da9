import { workerData } from 'node:worker_threads'
import { ClassicLevel, type Iterator as DatabaseIterator } from 'classic-level'
import { messagesOf } from '../../platform/directory-failure.ts'
import type { NumberedReply, NumberedRequest, ScanReply, ScanRequest, ScanWorkerData } from './level-scan-protocol.ts'

/*
 * Runs in a thread of its own, since LevelDB's iterators are only asynchronous: the thread of the engine blocks until
 * this one replies. Both threads share one open database.
 */
const { signal, port }: ScanWorkerData = workerData
const databases = new Map<number, ClassicLevel<Buffer, Buffer>>()
const iterators = new Map<number, DatabaseIterator<ClassicLevel<Buffer, Buffer>, Buffer, Buffer>>()

/** Bytes of a read, which ends after the row that exceeds them. */
const READ_BYTES = 256 * 1024

const BINARY = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const

async function answer(request: ScanRequest): Promise<ScanReply | undefined> {
  switch (request.type) {
    case 'attach': {
      const database = new ClassicLevel<Buffer, Buffer>(request.directory, { ...BINARY, multithreading: true })
      await database.open()
      databases.set(request.database, database)
      return { type: 'done' }
    }
    case 'detach':
      await databases.get(request.database)?.close()
      databases.delete(request.database)
      return { type: 'done' }
    case 'open': {
      const database = databases.get(request.database)
      if (database === undefined) throw new Error('the database is not open')
      const iterator = database.iterator({
        reverse: request.reverse,
        highWaterMarkBytes: READ_BYTES,
        ...(request.gte === undefined ? {} : { gte: Buffer.from(request.gte) }),
        ...(request.lt === undefined ? {} : { lt: Buffer.from(request.lt) }),
      })
      iterators.set(request.iterator, iterator)
      return rowsOf(await iterator.nextv(request.count), request.count)
    }
    case 'more': {
      const iterator = iterators.get(request.iterator)
      if (iterator === undefined) throw new Error('the iterator is closed')
      return rowsOf(await iterator.nextv(request.count), request.count)
    }
    case 'close':
      await iterators.get(request.iterator)?.close()
      iterators.delete(request.iterator)
      return undefined
  }
}

function rowsOf(entries: readonly (readonly [Buffer, Buffer])[], count: number): ScanReply {
  let bytes = 0
  for (const [key, value] of entries) bytes += key.length + value.length
  const rows = Buffer.allocUnsafeSlow(bytes + 8 * entries.length)
  let at = 0
  for (const [key, value] of entries) {
    at = rows.writeUInt32LE(key.length, at)
    at = rows.writeUInt32LE(value.length, at)
    at += key.copy(rows, at)
    at += value.copy(rows, at)
  }
  return { type: 'rows', rows, finished: entries.length < count && bytes <= READ_BYTES }
}

/** The last request. Requests run one after the other, so that a range is opened only after earlier ones are closed. */
let last: Promise<void> = Promise.resolve()
port.on('message', (request: NumberedRequest) => {
  last = last.then(async () => {
    const reply = await answer(request).catch((error: unknown): ScanReply => ({
      type: 'failed',
      message: messagesOf(error),
    }))
    if (reply === undefined) return
    const numbered: NumberedReply = { ...reply, number: request.number }
    port.postMessage(numbered)
    Atomics.store(signal, 0, 1)
    Atomics.notify(signal, 0)
  })
})
