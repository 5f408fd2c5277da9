import { MillraceError, Streams } from '../../src/index.ts'
import type { Application } from '../../src/index.ts'
import type { Guarantee } from '../../src/log/log.ts'
import type { LocalLog } from '../../src/log/local/local-log.ts'
import { memoryLog } from '../../src/log/memory/memory-log.ts'
import { ManualClock } from '../../src/platform/manual-clock.ts'
import { partitionForKey } from '../../src/record/murmur2.ts'
import { rest, Schedule } from './schedule.ts'
import type { Actor } from './schedule.ts'
import type { Random } from './random.ts'
import { SimDisk } from './sim-disk.ts'
import { SimProcess } from './sim-process.ts'
import { SlowLog } from './slow-log.ts'
import type { CommitFaults, FaultCounter } from './slow-log.ts'
import { RecordSlice } from '../../src/record/record-slice.ts'

/** A place for processes of the application. It keeps its disk, and with it the identity, from one to the next. */
export interface Host {
  readonly name: string
  readonly disk: SimDisk
  running: RunningProcess | undefined
  started: number
}

export interface RunningProcess {
  readonly process: SimProcess
  readonly log: SlowLog
  streams: Streams | undefined
  stopping: boolean
}

/** A record to append. */
export interface InputRecord {
  readonly topic: string
  readonly key: string
  readonly value: unknown
  readonly timestamp: number
}

/** Records that are appended at once. */
export type Round = readonly InputRecord[]

/** What runs in a world. */
export interface Simulated {
  /** The application of a process, with the id `app`. */
  readonly appOf: (process: SimProcess) => Application
  /** All topics of the user, each with `PARTITIONS` partitions. */
  readonly topics: readonly string[]
  /** The topics, internal ones too, whose records are processed. */
  readonly inputs: readonly string[]
  readonly tasks: number
  readonly guarantee: Guarantee
  /** As what the log shows itself: `kafka` with one thread only, since more of them would be workers. */
  readonly kind: 'memory' | 'kafka'
}

export const PARTITIONS = 3
/** Errors with which a process may end: commits fail for longer than it waits, or a user function or call fails. */
const HARMLESS_ENDS: ReadonlySet<string> = new Set(['MR_COMMIT', 'MR_PROCESSING', 'MR_CALL_TIMEOUT'])
const BROKER: Actor = { name: 'log', stopped: false }

/** A log, hosts, a clock, and the schedule that orders what they do. */
export class World {
  readonly schedule: Schedule
  readonly clock = new ManualClock(1_000_000)
  readonly log: LocalLog
  readonly hosts: readonly Host[]
  readonly problems: string[] = []
  readonly commitFaults: CommitFaults = { abort: 0, loseResponse: 0 }
  readonly #simulated: Simulated
  readonly #counter: FaultCounter
  readonly #promptness: number
  readonly #gone: SimProcess[] = []
  readonly #sessions: { readonly process: SimProcess; readonly ids: readonly string[] }[] = []
  #appending = false

  constructor(simulated: Simulated, hosts: number, random: Random, promptness: number, counter: FaultCounter) {
    this.#simulated = simulated
    this.#counter = counter
    this.#promptness = promptness
    this.schedule = new Schedule(random)
    const beforeCommit = (): Promise<void> =>
      new Promise((resolve) => this.schedule.add(BROKER, 'a commit takes effect', resolve))
    this.log = memoryLog({ clock: this.clock, controlRecords: true, ...(promptness === 1 ? {} : { beforeCommit }) })
    void this.log.createTopics(simulated.topics.map((name) => ({ name, partitions: PARTITIONS })))
    this.hosts = Array.from({ length: hosts }, (_, index) => ({
      name: String.fromCharCode(65 + index),
      disk: new SimDisk(),
      running: undefined,
      started: 0,
    }))
  }

  get running(): readonly RunningProcess[] {
    return this.hosts.flatMap(({ running }) => (running === undefined ? [] : [running]))
  }

  start(host: Host): void {
    const process = new SimProcess(`${host.name}${++host.started}`, this.schedule, this.clock, this.#promptness)
    const log = new SlowLog(process, this.log, this.#simulated, this.commitFaults, this.#counter)
    const running: RunningProcess = { process, log, streams: undefined, stopping: false }
    host.running = running
    this.schedule.note(`${process.name}: starts`)
    const { clock, scheduler } = process
    void Streams.start(this.#simulated.appOf(process), {
      log,
      clock,
      scheduler,
      engine: host.disk.engines(process),
      stateDirectory: '/state',
    })
      .then((streams) => {
        running.streams = streams
        return streams.closed
      })
      .then(
        () => this.#ended(host, running, undefined),
        (error: unknown) => this.#ended(host, running, error),
      )
  }

  #ended(host: Host, running: RunningProcess, error: unknown): void {
    const { process } = running
    if (process.crashed) return
    host.running = undefined
    process.end()
    const code = error instanceof MillraceError ? error.code : String(error)
    this.schedule.note(`${process.name}: ended ${error === undefined ? 'in good order' : `with ${code}`}`)
    if (error !== undefined && !HARMLESS_ENDS.has(code)) {
      this.problems.push(`${process.name} ended with ${error instanceof Error ? error.stack : String(error)}`)
    }
    this.#leave(running)
  }

  /** Ends a process in the middle of what it does. */
  crash(host: Host): void {
    const { running } = host
    if (running === undefined) return
    this.schedule.note(`${running.process.name}: crashes`)
    host.running = undefined
    running.process.crash()
    this.#leave(running)
  }

  #leave({ process, log }: RunningProcess): void {
    this.#gone.push(process)
    const session = { process, ids: [...log.transactionalIds] }
    this.#sessions.push(session)
    this.schedule.add(BROKER, `the session of ${process.name} ends`, () => this.#endSession(session))
  }

  #endSession(session: { readonly process: SimProcess; readonly ids: readonly string[] }): void {
    const at = this.#sessions.indexOf(session)
    if (at < 0) return
    this.#sessions.splice(at, 1)
    session.process.silence()
    for (const id of session.ids) this.log.endSession(id)
  }

  /** Ends the sessions of all processes that have ended or crashed. */
  endSessions(): void {
    for (const session of [...this.#sessions]) this.#endSession(session)
  }

  expel({ process, log }: RunningProcess): void {
    this.schedule.note(`${process.name}: is expelled`)
    for (const id of log.transactionalIds) this.log.endSession(id)
  }

  later(what: string, run: () => void): void {
    this.schedule.add(BROKER, what, run)
  }

  /** Appends a round. Returns false while the round before is still on its way. */
  append(round: Round): boolean {
    if (this.#appending) return false
    this.#appending = true
    this.schedule.note(`${round.length} records are appended`)
    const producer = this.log.openProducer()
    for (const { topic, key, value, timestamp } of round) {
      const bytes = value === null ? null : Buffer.from(JSON.stringify(value))
      producer.append(topic, partitionOf(key), RecordSlice.of(timestamp, Buffer.from(key), bytes, undefined))
    }
    void Promise.resolve(producer.flush()).then(() => (this.#appending = false))
    return true
  }

  /** Whether everything that was appended is processed and committed, and every task has an owner. */
  get isDrained(): boolean {
    if (this.#appending || this.running.length === 0) return false
    const owners = new Set<string>()
    for (const { streams } of this.running) {
      if (streams?.state !== 'running') return false
      for (const { id } of streams.status().tasks) owners.add(id)
    }
    if (owners.size !== this.#simulated.tasks) return false
    for (const name of this.#simulated.inputs) {
      for (let partition = 0; partition < PARTITIONS; partition++) {
        if (this.#hasRecords(name, partition, this.log.committedOffset('app', name, partition)?.offset ?? 0))
          return false
      }
    }
    return true
  }

  #hasRecords(topic: string, partition: number, from: number): boolean {
    if (this.log.listOffsets([{ topic, partition }], 'latest').get(topic, partition) === from) return false
    const reader = this.log.openReader()
    reader.assign(topic, partition, from)
    const found = reader.poll(() => {}) > 0
    void reader.close()
    return found
  }

  /** Lets something happen, or lets time pass if nothing can. */
  async step(): Promise<void> {
    if (this.schedule.random.chance(0.1) || !(await this.schedule.step())) {
      this.clock.advance(this.schedule.random.between(1, 40))
      await rest()
    }
  }

  /** True if no record is in an asynchronous step. */
  get callsEnded(): boolean {
    return this.running.every(({ streams }) =>
      streams?.status().tasks.every(({ calls }) => calls.every(({ inFlight, waiting }) => inFlight + waiting === 0)),
    )
  }

  /** Describes the state of everything, for a report. */
  describe(): string {
    const states = this.running.map(({ process, streams }) => {
      const tasks = streams?.status().tasks.map(({ id, thread }) => `${id}/${thread.slice(-1)}`)
      return `${process.name} ${streams?.state ?? 'starting'} [${tasks?.join(' ') ?? ''}]`
    })
    return `${states.join('; ')}; waiting: ${this.schedule.waiting.join(', ')}`
  }

  /** Closes everything. */
  async close(): Promise<void> {
    for (const { running } of this.hosts) if (running !== undefined) this.#gone.push(running.process)
    for (const process of this.#gone) process.bury()
    for (let i = 0; i < 3; i++) await rest()
    void this.log.close()
  }
}

/** Returns the partition of a key, which is the same in every topic. */
export function partitionOf(key: string): number {
  const bytes = Buffer.from(key)
  return partitionForKey(bytes, 0, bytes.length, PARTITIONS)
}
