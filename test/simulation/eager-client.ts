import type { CommitOutcome, LogClient, LogProducer } from '../../src/log/log.ts'
import type { LocalLog } from '../../src/log/local/local-log.ts'
import type { MaybePromise } from '../../src/platform/maybe-promise.ts'
import type { CommitFaults, FaultCounter } from './slow-log.ts'
import type { SimProcess } from './sim-process.ts'

type AppendedRecord = Parameters<LogProducer['append']>

/** How one process commits at least once: its records are visible as soon as they arrive, offsets are stored later. */
export class EagerClient implements Pick<LogClient, 'guarantee' | 'producer' | 'commit' | 'abort'> {
  readonly guarantee = 'at_least_once'
  readonly producer: EagerProducer
  readonly #process: SimProcess
  readonly #thread: string
  readonly #client: LogClient
  readonly #faults: CommitFaults
  readonly #counter: FaultCounter

  constructor(
    process: SimProcess,
    thread: string,
    client: LogClient,
    log: LocalLog,
    faults: CommitFaults,
    counter: FaultCounter,
  ) {
    this.#process = process
    this.#thread = thread
    this.#client = client
    this.#faults = faults
    this.#counter = counter
    this.producer = new EagerProducer(process, thread, log.openProducer())
  }

  async commit(offsets: Parameters<LogClient['commit']>[0]): Promise<CommitOutcome> {
    await this.producer.flush()
    const fate = this.#process.schedule.random.next()
    const { abort, loseResponse } = this.#faults
    return await this.#process.request<CommitOutcome>(
      `commits offsets ${this.#thread}`,
      () => (fate < abort ? 'unknown' : this.#client.commit(offsets)),
      (outcome) => {
        if (fate >= abort + loseResponse) return outcome
        this.#counter.count(`lost response (${fate < abort ? 'not committed' : outcome})`)
        return 'unknown'
      },
    )
  }

  abort(): MaybePromise<void> {
    return this.producer.discard()
  }
}

/** A partition's records on their way: each batch is sent when the one before it has arrived. */
interface Lane {
  readonly waiting: AppendedRecord[]
  isSending: boolean
}

/** What it appends reaches the log by and by, each partition in its order, whatever becomes of the others. */
class EagerProducer implements LogProducer {
  readonly #process: SimProcess
  readonly #thread: string
  readonly #producer: LogProducer
  readonly #lanes = new Map<string, Lane>()
  #onIdle: (() => void)[] = []

  constructor(process: SimProcess, thread: string, producer: LogProducer) {
    this.#process = process
    this.#thread = thread
    this.#producer = producer
  }

  append(...[topic, partition, record, ...origin]: AppendedRecord): void {
    this.#process.assertAlive()
    const name = `${topic}/${partition}`
    let lane = this.#lanes.get(name)
    if (lane === undefined) this.#lanes.set(name, (lane = { waiting: [], isSending: false }))
    lane.waiting.push([topic, partition, record.copy(), ...origin])
    if (!lane.isSending) this.#sendSoon(name, lane)
  }

  #sendSoon(name: string, lane: Lane): void {
    lane.isSending = true
    this.#process.later(`sends to ${name}`, () => this.#send(name, lane).catch(() => {}))
  }

  /** Rejects in a dead process only. */
  async #send(name: string, lane: Lane): Promise<void> {
    const batch = lane.waiting.splice(0, this.#process.schedule.random.between(1, 4))
    await this.#process.request(`writes to ${name}`, () => {
      for (const record of batch) this.#producer.append(...record)
      return this.#producer.flush()
    })
    lane.isSending = false
    if (lane.waiting.length > 0) return this.#sendSoon(name, lane)
    if (this.#isIdle) for (const wake of this.#onIdle.splice(0)) wake()
  }

  get #isIdle(): boolean {
    return [...this.#lanes.values()].every(({ isSending }) => !isSending)
  }

  flush(): MaybePromise<void> {
    if (!this.#isIdle) return new Promise((resolve) => this.#onIdle.push(resolve))
  }

  /** Forgets what has not been sent; what is on its way arrives first. */
  discard(): MaybePromise<void> {
    for (const { waiting } of this.#lanes.values()) waiting.length = 0
    return this.flush()
  }

  partitionCount(topic: string): number | undefined {
    return this.#producer.partitionCount(topic)
  }

  loadPartitionCount(topic: string): MaybePromise<number> {
    return this.#process.request(`asks for ${topic} ${this.#thread}`, () => this.#producer.loadPartitionCount(topic))
  }

  get writable(): boolean {
    return this.#producer.writable
  }

  onWritable(wake: (() => void) | undefined): void {
    this.#producer.onWritable(wake)
  }

  lastOffset(topic: string, partition: number): number | undefined {
    return this.#producer.lastOffset(topic, partition)
  }

  close(): MaybePromise<void> {
    return this.#producer.close()
  }
}
