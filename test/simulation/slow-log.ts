import { taskIdText } from '../../src/group/group.ts'
import type { GroupEvent, GroupMember } from '../../src/group/group.ts'
import type {
  CommitOutcome,
  Guarantee,
  Log,
  LogClient,
  LogClientOptions,
  LogProducer,
  LogReader,
  ReaderOptions,
  TopicSpec,
} from '../../src/log/log.ts'
import type { LocalLog } from '../../src/log/local/local-log.ts'
import type { MaybePromise } from '../../src/platform/maybe-promise.ts'
import { EagerClient } from './eager-client.ts'
import type { SimProcess } from './sim-process.ts'
import { SlowReader } from './slow-reader.ts'
import type { Simulated } from './world.ts'

/** The shares of commits that go wrong. */
export interface CommitFaults {
  abort: number
  loseResponse: number
}

export interface FaultCounter {
  count(kind: string): void
}

/** A log as one process reaches it. Every answer takes some time. Some commits fail, or their answers are lost. */
export class SlowLog implements Log {
  readonly kind: 'memory' | 'kafka'
  readonly #process: SimProcess
  readonly #log: LocalLog
  readonly #guarantee: Guarantee
  readonly #faults: CommitFaults
  readonly #counter: FaultCounter
  /** The identities under which this process has opened clients. */
  readonly transactionalIds: string[] = []

  constructor(
    process: SimProcess,
    log: LocalLog,
    { kind, guarantee }: Pick<Simulated, 'kind' | 'guarantee'>,
    faults: CommitFaults,
    counter: FaultCounter,
  ) {
    this.kind = kind
    this.#process = process
    this.#log = log
    this.#guarantee = guarantee
    this.#faults = faults
    this.#counter = counter
  }

  describeTopics(names: readonly string[]): ReturnType<Log['describeTopics']> {
    return this.#process.request('describes topics', () => this.#log.describeTopics(names))
  }

  createTopics(topics: readonly TopicSpec[]): MaybePromise<void> {
    return this.#process.request('creates topics', () => this.#log.createTopics(topics))
  }

  listOffsets(...asked: Parameters<Log['listOffsets']>): ReturnType<Log['listOffsets']> {
    return this.#process.request(`lists ${JSON.stringify(asked[1])} offsets`, () => this.#log.listOffsets(...asked))
  }

  deleteRecords(...asked: Parameters<Log['deleteRecords']>): ReturnType<Log['deleteRecords']> {
    return this.#process.request('deletes records', () => this.#log.deleteRecords(...asked))
  }

  openReader(options: ReaderOptions = {}): LogReader {
    this.#process.assertAlive()
    const reader = this.#log.openReader()
    // Single records are asked for in small pieces. A log in memory has them at once.
    const isPrompt = this.kind === 'memory' && options.fetchBytes !== undefined
    return isPrompt ? reader : new SlowReader(this.#process, reader)
  }

  openProducer(): LogProducer {
    this.#process.assertAlive()
    return this.#log.openProducer()
  }

  openClient(options: LogClientOptions): MaybePromise<LogClient> {
    const thread = options.transactionalId.slice(-2)
    this.transactionalIds.push(options.transactionalId)
    return this.#process.request(
      `opens client ${thread}`,
      () => this.#log.openClient(options),
      (client) => this.#slow(client, thread),
    )
  }

  #slow(client: LogClient, thread: string): LogClient {
    const [process, faults, counter] = [this.#process, this.#faults, this.#counter]
    const parts =
      this.#guarantee === 'exactly_once'
        ? new AtomicClient(process, thread, client, faults, counter)
        : new EagerClient(process, thread, client, this.#log, faults, counter)
    return slowClient(process, thread, client, parts)
  }

  close(): void {}

  listTopics(): readonly string[] {
    return this.#log.listTopics()
  }

  deleteTopics(names: readonly string[]): MaybePromise<void> {
    return this.#log.deleteTopics(names)
  }

  createPartitions(topic: string, count: number): MaybePromise<void> {
    return this.#log.createPartitions(topic, count)
  }

  describePartitions(topic: string): ReturnType<LocalLog['describePartitions']> {
    return this.#log.describePartitions(topic)
  }

  topicConfigs(topic: string): ReturnType<LocalLog['topicConfigs']> {
    return this.#log.topicConfigs(topic)
  }

  alterTopicConfigs(...asked: Parameters<Log['alterTopicConfigs']>): MaybePromise<void> {
    return this.#log.alterTopicConfigs(...asked)
  }

  listGroups(): ReturnType<LocalLog['listGroups']> {
    return this.#log.listGroups()
  }

  describeGroup(groupId: string): ReturnType<LocalLog['describeGroup']> {
    return this.#log.describeGroup(groupId)
  }

  groupMembers(groupId: string): readonly string[] {
    return this.#log.groupMembers(groupId)
  }

  groupInstances(groupId: string): ReturnType<LocalLog['groupInstances']> {
    return this.#log.groupInstances(groupId)
  }

  committedOffsets(...asked: Parameters<Log['committedOffsets']>): ReturnType<Log['committedOffsets']> {
    return this.#log.committedOffsets(...asked)
  }

  deleteOffsets(...asked: Parameters<Log['deleteOffsets']>): MaybePromise<void> {
    return this.#log.deleteOffsets(...asked)
  }

  deleteGroup(groupId: string): MaybePromise<void> {
    return this.#log.deleteGroup(groupId)
  }

  commitOffsets(...asked: Parameters<Log['commitOffsets']>): ReturnType<Log['commitOffsets']> {
    return this.#log.commitOffsets(...asked)
  }
}

function slowClient(
  process: SimProcess,
  thread: string,
  client: LogClient,
  parts: Pick<LogClient, 'guarantee' | 'producer' | 'commit' | 'abort'>,
): LogClient {
  const reader = new SlowReader(process, client.reader)
  const group = new SlowMember(process, client.group)
  return {
    guarantee: parts.guarantee,
    producer: parts.producer,
    reader,
    group,
    async committed(partitions) {
      try {
        return await process.request(`reads offsets ${thread}`, () => client.committed(partitions))
      } catch (error) {
        // A client that is refused knows that it is no member any more.
        group.hear()
        throw error
      }
    },
    commit: (offsets) => parts.commit(offsets),
    abort: () => parts.abort(),
    close: () => {
      void reader.close()
      return process.request(`closes client ${thread}`, () => client.close())
    },
  }
}

/** How one process commits exactly once: records and offsets together. */
class AtomicClient implements Pick<LogClient, 'guarantee' | 'producer' | 'commit' | 'abort'> {
  readonly guarantee = 'exactly_once'
  readonly producer: SlowProducer
  readonly #process: SimProcess
  readonly #thread: string
  readonly #client: LogClient
  readonly #faults: CommitFaults
  readonly #counter: FaultCounter

  constructor(process: SimProcess, thread: string, client: LogClient, faults: CommitFaults, counter: FaultCounter) {
    this.#process = process
    this.#thread = thread
    this.#client = client
    this.#faults = faults
    this.#counter = counter
    this.producer = new SlowProducer(process, thread, client.producer)
  }

  commit(offsets: Parameters<LogClient['commit']>[0]): MaybePromise<CommitOutcome> {
    const client = this.#client
    const fate = this.#process.schedule.random.next()
    const { abort, loseResponse } = this.#faults
    const records = this.producer.take()
    return this.#process.request<CommitOutcome>(
      `commits ${this.#thread}`,
      () => {
        if (fate >= abort) {
          for (const record of records) client.producer.append(...record)
          return client.commit(offsets)
        }
        this.#counter.count('aborted commit')
        void client.abort()
        return 'aborted'
      },
      (outcome) => {
        if (fate < abort || fate >= abort + loseResponse) return outcome
        this.#counter.count(`lost response (${outcome})`)
        return 'unknown'
      },
    )
  }

  abort(): MaybePromise<void> {
    this.producer.take()
    return this.#process.request(`aborts ${this.#thread}`, () => this.#client.abort())
  }
}

type AppendedRecord = Parameters<LogProducer['append']>

/** A producer whose records reach the log with the commit that takes them. */
class SlowProducer implements LogProducer {
  readonly #process: SimProcess
  readonly #thread: string
  readonly #producer: LogProducer
  #appended: AppendedRecord[] = []

  constructor(process: SimProcess, thread: string, producer: LogProducer) {
    this.#process = process
    this.#thread = thread
    this.#producer = producer
  }

  append(...[topic, partition, record, ...origin]: AppendedRecord): void {
    this.#process.assertAlive()
    this.#appended.push([topic, partition, record.copy(), ...origin])
  }

  take(): AppendedRecord[] {
    const taken = this.#appended
    this.#appended = []
    return taken
  }

  partitionCount(topic: string): number | undefined {
    return this.#producer.partitionCount(topic)
  }

  loadPartitionCount(topic: string): MaybePromise<number> {
    return this.#process.request(`asks for ${topic}`, () => this.#producer.loadPartitionCount(topic))
  }

  get writable(): boolean {
    return this.#producer.writable
  }

  onWritable(wake: (() => void) | undefined): void {
    this.#producer.onWritable(wake)
  }

  flush(): MaybePromise<void> {
    return this.#process.request(`flushes ${this.#thread}`, () => this.#producer.flush())
  }

  lastOffset(topic: string, partition: number): number | undefined {
    return this.#producer.lastOffset(topic, partition)
  }

  close(): MaybePromise<void> {
    return this.#producer.close()
  }
}

/** A member that gets events some time after they happened. */
class SlowMember implements GroupMember {
  /** It never knows better: what queries promise holds even if zombies answer. */
  readonly isCurrent = true
  readonly #process: SimProcess
  readonly #member: GroupMember
  #wake: (() => void) | undefined
  #news = false

  constructor(process: SimProcess, member: GroupMember) {
    this.#process = process
    this.#member = member
  }

  join(): MaybePromise<void> {
    return this.#process.request('joins', () => this.#member.join())
  }

  nextEvent(): GroupEvent | undefined {
    this.#process.assertAlive()
    if (!this.#news) return undefined
    const event = this.#member.nextEvent()
    if (event === undefined) this.#news = false
    else this.#process.schedule.note(`${this.#process.name}: is notified: ${textOf(event)}`)
    return event
  }

  onEvent(wake: (() => void) | undefined): void {
    this.#wake = wake
    this.#member.onEvent(
      wake === undefined
        ? undefined
        : () =>
            this.#process.later('gets events of the group', () => {
              this.hear()
              this.#wake?.()
            }),
    )
  }

  hear(): void {
    this.#news = true
  }

  acknowledge(): void {
    this.#process.assertAlive()
    this.#member.acknowledge()
  }

  shutdownApplication(): MaybePromise<void> {
    return this.#process.request('shuts the application down', () => this.#member.shutdownApplication())
  }

  leave(): MaybePromise<void> {
    return this.#process.request('leaves', () => this.#member.leave())
  }
}

function textOf(event: GroupEvent): string {
  if (event.type !== 'assigned' && event.type !== 'revoked') return event.type
  const standby = event.standby.length > 0 ? `, standby ${event.standby.map(taskIdText).join(' ')}` : ''
  return `${event.type} ${event.active.map(taskIdText).join(' ')}${standby}`
}
