import { setTimeout as pause } from 'node:timers/promises'
import { isMillraceError, MillraceError } from '../../errors/millrace-error.ts'
import { systemClock, type Clock } from '../../platform/clock.ts'
import type { MaybePromise } from '../../platform/maybe-promise.ts'
import { StateMachine } from '../../platform/state-machine.ts'
import type { LocalLog } from '../local/local-log.ts'
import { logClosed } from '../local/staged-commit.ts'
import type { HoldOptions, Log, LogClient, LogClientOptions, LogProducer, LogReader, ReaderOptions } from '../log.ts'
import { AttachedProducers } from './attached-producers.ts'
import { CALL_NAMES, type Calls } from './calls.ts'
import { Connection, ConnectionLost } from './connection.ts'
import { callHeld } from './held-calls.ts'
import { KeptAlive, whileWaiting } from '../../platform/kept-alive.ts'
import { LogServer } from './log-server.ts'
import { RemoteReader } from './remote-reader.ts'
import type { HandOverMessage } from './session.ts'
import { SharedProducer, type Way } from './shared-producer.ts'
import { SharedReader, type OpenReader } from './shared-reader.ts'
import { attachedSnapshot, heldSnapshot, type SharedSnapshot } from './shared-snapshot.ts'

/** A log on disk that one process at a time can open. */
export interface SharedPlace {
  readonly directory: string
  /** Opens the log, which takes its lock. @throws MR_STATE_LOCKED if another one has it */
  readonly open: () => Promise<LocalLog>
  readonly clock: Clock
  /** Bytes that the log needs behind each run. */
  readonly trailerBytes: number
  readonly warn: (fields: object, message: string) => void
}

/** ms for which a lock that is given away is left to the process that has asked for it. */
const RESERVED = 2000
/** ms after which a tool that was asked for the log is said not to let it go: it is stopped, perhaps. */
const RELEASE = 5000
/** ms for which a log that is locked and not served is tried again: its holder may be opening or closing it. */
const PATIENCE = { atFirst: 2000, afterLoss: 30_000 }
/** ms between two attempts, at most. Those who want the log differ, so that they do not try in step. */
const ATTEMPT = 40

/**
 * ```
 *   seeking ──► held ──► seeking      the lock was free; this process gives it to another one
 *      ├──────► attached ──► seeking  another process has it; that one ends
 *      ├──────► failed                nobody has it, and it cannot be opened; or who has it does not serve it
 *      └──────► closed                from any of them
 * ```
 */
type State = 'seeking' | 'held' | 'attached' | 'failed' | 'closed'

// Assigned by the constructor, from the table of the calls.
// eslint-disable-next-line typescript/no-unsafe-declaration-merging
export interface SharedLog extends Calls {}

/**
 * A log that several processes share. One of them holds it, and serves it to the others on a socket. When that one
 * ends, one of the others takes the lock. Readers and producers go on in any case. Applications run only where the log
 * is held: they ask for it by `hold`.
 */
// eslint-disable-next-line typescript/no-unsafe-declaration-merging
export class SharedLog implements Log {
  readonly kind = 'embedded'
  /** @internal */
  readonly clock: Clock
  /** @internal */
  readonly trailerBytes: number
  readonly #place: SharedPlace
  readonly #state = new StateMachine<State>(
    'a shared log',
    {
      seeking: ['held', 'attached', 'failed', 'closed'],
      held: ['seeking', 'closed'],
      attached: ['seeking', 'closed'],
      failed: ['closed'],
      closed: [],
    },
    'seeking',
  )
  readonly #readers = new Set<SharedReader>()
  readonly #producers = new Set<SharedProducer>()
  /** The applications that have asked for the log. */
  readonly #holds = new Set<HoldOptions>()
  #way: Way | undefined
  #server: LogServer | undefined
  #failure: unknown
  /** Settles when the seeking that is under way has ended. Never rejects. */
  #sought: Promise<void> = Promise.resolve()
  /** Number of callers that want the log for an application and do not have it yet. */
  #wanting = 0

  private constructor(place: SharedPlace) {
    this.#place = place
    this.clock = place.clock
    this.trailerBytes = place.trailerBytes
    const calls: Record<string, unknown> = {}
    for (const name of CALL_NAMES) calls[name] = (...args: readonly unknown[]) => this.ask(name, args)
    Object.assign(this, calls)
  }

  /**
   * Opens the log of a directory, or goes through the process that holds it.
   *
   * @throws what `open` throws; MR_STATE_LOCKED if the holder does not serve it; MR_ATTACH_OWNER, MR_ATTACH_VERSION
   */
  static async open(place: SharedPlace): Promise<SharedLog> {
    const log = new SharedLog(place)
    log.#seek(0, PATIENCE.atFirst)
    await log.#sought
    if (log.#state.is('failed')) throw log.#failure
    return log
  }

  /** @internal */
  get way(): Way | undefined {
    return this.#way
  }

  /** @internal */
  async reach(): Promise<Way> {
    while (this.#way === undefined) {
      if (this.#state.is('closed')) throw logClosed()
      if (this.#state.is('failed')) throw this.#failure
      await this.#sought
    }
    return this.#way
  }

  /** @internal */
  ask(name: string, args: readonly unknown[]): MaybePromise<unknown> {
    if (this.#state.is('closed')) throw logClosed()
    return this.#way?.kind === 'held' ? callHeld(this.#way, name, args) : whileWaiting(this.#askUntilKnown(name, args))
  }

  openReader(options: ReaderOptions = {}): LogReader {
    if (this.#state.is('closed')) throw logClosed()
    const reader = new SharedReader(options, () => this.#readers.delete(reader))
    this.#readers.add(reader)
    if (this.#state.is('failed')) reader.fail(this.#failure)
    else if (this.#way !== undefined) reader.connect(readersOf(this.#way))
    return reader
  }

  openProducer(): LogProducer {
    if (this.#state.is('closed')) throw logClosed()
    const producer = new SharedProducer(this, () => this.#producers.delete(producer))
    this.#producers.add(producer)
    return producer
  }

  /** Opens a snapshot of the log, wherever it is open. @internal */
  async openSnapshot(): Promise<SharedSnapshot> {
    const way = await this.reach()
    return way.kind === 'held' ? heldSnapshot(way.log) : await attachedSnapshot(way.connection)
  }

  /** @throws MR_STATE_LOCKED if another process holds the log: no stream task runs over the socket */
  async openClient(options: LogClientOptions): Promise<LogClient> {
    const way = await this.reach()
    if (way.kind === 'held') return await way.log.openClient(options)
    throw inUse(this.#place.directory, 'by another process: stream tasks run only where it is open')
  }

  /**
   * Takes the log for an application. A tool that holds it gives it away; another application does not.
   *
   * @returns a function by which the application gives it up
   * @throws MR_STATE_LOCKED
   */
  async hold(options: HoldOptions): Promise<() => Promise<void>> {
    const held = { ...options }
    this.#wanting++
    try {
      for (;;) {
        const way = await this.reach()
        if (way.kind === 'held') break
        await this.#askFor(way.connection)
      }
      this.#holds.add(held)
    } finally {
      this.#wanting--
    }
    await this.#serveOrNot()
    return async () => {
      this.#holds.delete(held)
      await this.#serveOrNot()
    }
  }

  async close(): Promise<void> {
    if (this.#state.is('closed')) return
    this.#state.become('closed')
    const way = this.#way
    this.#way = undefined
    for (const reader of this.#readers) void reader.close()
    await this.#sought
    if (way === undefined) return
    if (way.kind === 'attached') way.connection.close()
    else await this.#letGo(way.log, false)
  }

  async #askUntilKnown(name: string, args: readonly unknown[]): Promise<unknown> {
    for (let isRepeated = false; ;) {
      const way = await this.reach()
      if (way !== this.#way) continue
      try {
        return await (way.kind === 'held' ? callHeld(way, name, args) : way.connection.call(name, args))
      } catch (error) {
        if (way.kind === 'attached' && error instanceof ConnectionLost) {
          isRepeated = true
          await way.connection.lost
        } else if (!isRepeated || name !== 'createPartitions' || !(await this.#hasPartitions(args))) throw error
        else return undefined
      }
    }
  }

  /** True if a call whose answer was lost has made the partitions: made again, it is refused. */
  async #hasPartitions([topic, count]: readonly unknown[]): Promise<boolean> {
    const name = String(topic)
    return (await this.describeTopics([name])).get(name)?.partitions === count
  }

  /** Asks the holder for the log, and returns when it has let go. */
  async #askFor(connection: Connection): Promise<void> {
    const { directory } = this.#place
    const late = Promise.withResolvers<void>()
    const timer = setTimeout(() => late.reject(inUse(directory, 'by a process that does not let it go')), RELEASE)
    try {
      await Promise.race([late.promise, this.#released(connection)])
    } finally {
      clearTimeout(timer)
    }
    await this.#sought
  }

  async #released(connection: Connection): Promise<void> {
    try {
      const { given, pid } = (await connection.call('handOver', [])) as HandOverMessage
      if (!given) throw inUse(this.#place.directory, `by an application, process ${pid}`)
    } catch (error) {
      if (!(error instanceof ConnectionLost)) throw error
    }
    await connection.lost
  }

  /** Gives the log to the process that asks for it, unless an application here has it. */
  #handOver(): boolean {
    const way = this.#way
    if (way?.kind !== 'held' || this.#holds.size > 0 || this.#wanting > 0 || way.log.hasClients) return false
    this.#leave()
    this.#seek(RESERVED, PATIENCE.afterLoss, this.#letGo(way.log, true))
    return true
  }

  /** Closes the log that this process holds. The socket goes before the lock: the next holder has one of that name. */
  async #letGo(log: LocalLog, moves: boolean): Promise<void> {
    const server = this.#server
    this.#server = undefined
    await server?.stop(moves)
    await log.close()
  }

  #leave(): void {
    this.#state.become('seeking')
    this.#way = undefined
    for (const reader of this.#readers) reader.disconnect()
  }

  /**
   * Begins to look for the log.
   *
   * @param reserved ms for which the lock is left to another process
   * @param patience ms after that for which a lock that is held is tried again
   * @param before what has to be done before
   */
  #seek(reserved: number, patience: number, before: Promise<void> = Promise.resolve()): void {
    // Between two holders nothing else may keep the process alive.
    const alive = new KeptAlive()
    this.#sought = before
      .then(() => this.#find(reserved, patience))
      .catch((error: unknown) => this.#fail(error))
      .finally(() => alive.release())
  }

  async #find(reserved: number, patience: number): Promise<void> {
    const { directory } = this.#place
    const from = systemClock.monotonic() + reserved
    const until = from + patience
    while (this.#state.is('seeking')) {
      let refused: unknown
      try {
        const connection = await Connection.open(directory)
        if (connection !== undefined) {
          this.#attach(connection)
          return
        }
      } catch (error) {
        // What is there may be stale: only the lock says whether somebody has the log.
        refused = error
      }
      if (this.#wanting > 0 || systemClock.monotonic() >= from) {
        const log = await this.#tryLock(refused, until)
        if (log !== undefined) return await this.#take(log)
      }
      await pause(ATTEMPT * (0.5 + Math.random() / 2))
    }
  }

  /** Opens the log; returns undefined while another process has it. */
  async #tryLock(refused: unknown, until: number): Promise<LocalLog | undefined> {
    try {
      return await this.#place.open()
    } catch (error) {
      if (!isMillraceError(error) || error.code !== 'MR_STATE_LOCKED') throw error
      if (refused !== undefined) throw refused
      if (systemClock.monotonic() >= until) throw error
      return undefined
    }
  }

  #attach(connection: Connection): void {
    if (!this.#state.is('seeking')) {
      connection.close()
      return
    }
    this.#state.become('attached')
    this.#arrive({ kind: 'attached', connection })
    void connection.lost.then(() => {
      if (!this.#state.is('attached')) return
      this.#leave()
      this.#seek(connection.moves ? RESERVED : 0, PATIENCE.afterLoss)
    })
  }

  async #take(log: LocalLog): Promise<void> {
    if (!this.#state.is('seeking')) return await log.close()
    const way: Way = { kind: 'held', log, producers: new AttachedProducers(log) }
    this.#state.become('held')
    this.#arrive(way)
    await this.#serveOrNot()
  }

  #arrive(way: Way): void {
    this.#way = way
    for (const reader of this.#readers) reader.connect(readersOf(way))
  }

  /** Serves the log that this process holds, unless an application does not want that. */
  async #serveOrNot(): Promise<void> {
    const way = this.#way
    if (way?.kind !== 'held') return
    const serves = [...this.#holds].every(({ attach }) => attach)
    const server = this.#server
    if (!serves) {
      this.#server = undefined
      await server?.stop()
    } else if (server === undefined) {
      const { directory, warn } = this.#place
      const { log, producers } = way
      try {
        const started = await LogServer.start(directory, { log, producers, handOver: () => this.#handOver() })
        if (this.#way === way && this.#server === undefined) this.#server = started
        else await started.stop()
      } catch (err) {
        warn({ directory, err }, 'no other process can use the log meanwhile: its socket could not be made')
      }
    }
  }

  #fail(error: unknown): void {
    if (this.#state.is('closed')) return
    this.#failure = error
    this.#state.become('failed')
    for (const reader of this.#readers) reader.fail(error)
  }
}

function readersOf(way: Way): OpenReader {
  if (way.kind === 'held') return () => way.log.openReader()
  return ({ fetchBytes }) => new RemoteReader(way.connection, fetchBytes)
}

function inUse(directory: string, by: string): MillraceError {
  return new MillraceError('MR_STATE_LOCKED', `the log in ${directory} is in use ${by}`, {
    hint: 'Stop that process, or use another directory; several applications on one log need Kafka.',
  })
}
