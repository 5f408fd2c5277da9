import type { Socket } from 'node:net'
import { isPromise, type MaybePromise } from '../../platform/maybe-promise.ts'
import { assertWithin } from '../local/partition-data.ts'
import type { LocalPartition } from '../local/local-topic.ts'
import type { LogContent, LogSnapshot } from '../local/log-snapshot.ts'
import type { RunPlace } from '../local/run-cursor.ts'
import { PartitionMap } from '../log.ts'
import { MillraceError } from '../../errors/millrace-error.ts'
import { partitionIn } from './attached-producers.ts'
import { readPage, runsOf, type BatchMessage, type WrittenMessage } from './batch.ts'
import { callHeld, topicMessage, type Held } from './held-calls.ts'
import * as frames from './frames.ts'

/** What a session asks of the process that holds the log. */
export interface SessionHost extends Held {
  /** Gives the log to another process, unless an application has it. Returns whether it will. */
  handOver(): boolean
}

/** What is asked by name beside the methods of the log. */
export interface CallMessage {
  readonly name: string
  readonly args: readonly unknown[]
}

/** A reader's question for the records of one partition. */
export interface FetchMessage {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** The end that the reader knows: if it is still the end, the answer waits for the next record. */
  readonly end: number
  readonly bytes: number
}

/** Answer to a process that asks for the log. */
export interface HandOverMessage {
  readonly given: boolean
  readonly pid: number
}

/** A question for the next page of a snapshot, by a number that the asking process gave it. The first one opens it. */
export interface SnapshotMessage {
  readonly snapshot: number
  readonly bytes: number
}

/** Answer with the rows of a page as payload; the page after the last has none. The first one says what the log has. */
export interface SnapshotPageMessage {
  readonly isLast: boolean
  readonly content?: LogContent
}

/** A fetch that waits for records. */
interface Waiting {
  readonly partition: LocalPartition
  arrived(): void
}

/** One process that goes through the holder. */
export class Session {
  readonly #socket: Socket
  readonly #host: SessionHost
  readonly #frames = new frames.FrameReader()
  readonly #reached = new PartitionMap<{ readonly offset: number; readonly place: RunPlace }>()
  readonly #waiting = new Map<number, Waiting>()
  readonly #snapshots = new Map<number, LogSnapshot>()
  readonly #underWay = new Set<Promise<unknown>>()
  #isEnding = false

  constructor(socket: Socket, host: SessionHost) {
    this.#socket = socket
    this.#host = host
    socket.on('close', () => {
      this.#dropWaiting()
      for (const snapshot of this.#snapshots.values()) snapshot.close()
    })
  }

  /** Takes bytes that have arrived. Bytes that make no sense end the session. */
  receive(chunk: Buffer): void {
    try {
      this.#frames.push(chunk, (frame) => this.#take(frame))
    } catch {
      this.#socket.destroy()
    }
  }

  /** Ends when what was asked before is answered. @param moves true if another process gets the log */
  async end(moves: boolean): Promise<void> {
    this.#isEnding = true
    this.#dropWaiting()
    if (moves) this.#send(frames.MOVES, 0, null)
    await Promise.all(this.#underWay)
    this.#socket.destroySoon()
  }

  #take(frame: frames.Frame): void {
    if (this.#isEnding) return
    const { kind, request, message } = frame
    if (kind === frames.CALL) this.#answer(request, () => this.#call(message as CallMessage))
    else if (kind === frames.FETCH) this.#fetch(request, message as FetchMessage)
    else if (kind === frames.CANCEL) this.#cancel(request)
    else if (kind === frames.SNAPSHOT) this.#readSnapshot(request, message as SnapshotMessage)
    else if (kind === frames.PRODUCE) this.#answer(request, () => this.#produce(message as BatchMessage, frame))
    else throw new RangeError(`there is no frame of kind ${kind}`)
  }

  #call({ name, args }: CallMessage): MaybePromise<unknown> {
    if (name !== 'handOver') return callHeld(this.#host, name, args)
    const message: HandOverMessage = { given: this.#host.handOver(), pid: process.pid }
    return message
  }

  async #produce(message: BatchMessage, frame: frames.Frame): Promise<WrittenMessage> {
    const { log, producers } = this.#host
    const runs = runsOf(message, frame, log.trailerBytes, (topic, partition) => partitionIn(log, topic, partition))
    const bases = await producers.write(message.producer, message.number, runs)
    const names = new Set(message.runs.map(({ topic }) => topic))
    return { bases, topics: [...names].flatMap((name) => topicMessage(log, name) ?? []) }
  }

  #fetch(request: number, message: FetchMessage): void {
    const { topic, partition: index, offset, end, bytes } = message
    try {
      const partition = this.#host.log.topic(topic)?.partitions[index]
      if (partition === undefined) throw unknownPartition(topic, index)
      assertWithin(partition.data, topic, index, offset)
      if (offset === partition.data.endOffset && end === offset) {
        this.#wait(request, partition, message)
        return
      }
      const known = this.#reached.get(topic, index)
      const page = readPage(partition, offset, bytes, known?.offset === offset ? known.place : undefined)
      if (page.reached === undefined) this.#reached.delete(topic, index)
      else this.#reached.set(topic, index, { offset: page.message.next, place: page.reached })
      this.#send(frames.ANSWER, request, page.message, page.parts)
    } catch (error) {
      this.#send(frames.FAILED, request, frames.sentError(error))
    }
  }

  #wait(request: number, partition: LocalPartition, message: FetchMessage): void {
    const waiting: Waiting = {
      partition,
      // Called within a commit: what is read comes after it.
      arrived: () => {
        partition.listeners.delete(waiting)
        setImmediate(() => {
          if (this.#waiting.get(request) !== waiting) return
          this.#waiting.delete(request)
          this.#fetch(request, message)
        })
      },
    }
    this.#waiting.set(request, waiting)
    partition.listeners.add(waiting)
  }

  #readSnapshot(request: number, { snapshot: number, bytes }: SnapshotMessage): void {
    try {
      const isFirst = !this.#snapshots.has(number)
      const snapshot = this.#snapshots.get(number) ?? this.#host.log.openSnapshot()
      if (snapshot === undefined) throw new RangeError('this log has no snapshots')
      this.#snapshots.set(number, snapshot)
      const rows = snapshot.read(bytes)
      const page: SnapshotPageMessage = {
        isLast: rows === undefined,
        ...(isFirst ? { content: snapshot.content } : {}),
      }
      this.#send(frames.ANSWER, request, page, rows)
      if (rows === undefined) this.#snapshots.delete(number)
    } catch (error) {
      this.#send(frames.FAILED, request, frames.sentError(error))
    }
  }

  #cancel(request: number): void {
    const waiting = this.#waiting.get(request)
    waiting?.partition.listeners.delete(waiting)
    this.#waiting.delete(request)
  }

  #dropWaiting(): void {
    for (const request of this.#waiting.keys()) this.#cancel(request)
  }

  #answer(request: number, act: () => MaybePromise<unknown>): void {
    const failed = (error: unknown): void => this.#send(frames.FAILED, request, frames.sentError(error))
    const answered = (result: unknown): void => this.#send(frames.ANSWER, request, result ?? null)
    try {
      const result = act()
      if (!isPromise(result)) {
        answered(result)
        return
      }
      const done = result.then(answered, failed).finally(() => this.#underWay.delete(done))
      this.#underWay.add(done)
    } catch (error) {
      failed(error)
    }
  }

  #send(kind: number, request: number, message: unknown, parts: readonly Buffer[] = []): void {
    if (this.#socket.writable) frames.writeFrame(this.#socket, kind, request, message, parts)
  }
}

function unknownPartition(topic: string, partition: number): MillraceError {
  return new MillraceError('MR_TOPIC_UNKNOWN', 'there is no such partition', {
    topic,
    partition,
    hint: 'Create the topic before you read it.',
  })
}
