import { MillraceError } from '../../errors/millrace-error.ts'
import { isPromise, type MaybePromise } from '../../platform/maybe-promise.ts'
import {
  PartitionMap,
  type CommitOutcome,
  type CommittedOffset,
  type LogClient,
  type LogClientOptions,
  type LogReader,
  type TopicPartition,
} from '../log.ts'
import type { GroupCoordinator } from './group-coordinator.ts'
import { LocalMember } from './local-member.ts'
import { LocalProducer, type ProducerHost } from './local-producer.ts'
import type { StagedCommit } from './staged-commit.ts'

export interface ClientHost extends ProducerHost {
  openReader(): LogReader
  publish(commit: StagedCommit): MaybePromise<void>
  /** Returns offsets when every commit that was begun has settled. */
  committedOffsets(groupId: string, partitions: readonly TopicPartition[]): MaybePromise<PartitionMap<CommittedOffset>>
  clientClosed(client: LocalClient): void
}

/** The client of one stream thread on a local log. It keeps appended records until `commit` shows them with offsets. */
export class LocalClient implements LogClient {
  readonly guarantee = 'exactly_once'
  readonly transactionalId: string
  readonly reader: LogReader
  readonly producer: LocalProducer
  readonly group: LocalMember
  readonly #groupId: string
  readonly #host: ClientHost
  readonly #coordinator: GroupCoordinator
  #refusal: MillraceError | undefined

  constructor(options: LogClientOptions, host: ClientHost, coordinator: GroupCoordinator) {
    this.transactionalId = options.transactionalId
    this.#groupId = options.groupId
    this.#host = host
    this.#coordinator = coordinator
    this.reader = host.openReader()
    this.producer = new LocalProducer(host)
    this.group = new LocalMember(options.clientId, options, coordinator, () => this.producer.drop())
  }

  committed(partitions: readonly TopicPartition[]): MaybePromise<PartitionMap<CommittedOffset>> {
    this.#assertUsable()
    this.#coordinator.assertNoPendingLoss(this.group)
    return this.#host.committedOffsets(this.#groupId, partitions)
  }

  commit(offsets: PartitionMap<CommittedOffset>): MaybePromise<CommitOutcome> {
    this.#assertUsable()
    if (this.group.hasPendingLoss) {
      this.producer.drop()
      return 'aborted'
    }
    this.#coordinator.assertMayCommit(this.group, offsets)
    const runs = this.producer.take()
    if (runs.length === 0 && offsets.size === 0) return 'committed'
    const copy = new PartitionMap<CommittedOffset>()
    for (const [topic, partition, offset] of offsets.entries()) copy.set(topic, partition, offset)
    const published = this.#host.publish({ runs, groupId: this.#groupId, offsets: copy })
    return isPromise(published) ? published.then(() => 'committed') : 'committed'
  }

  abort(): void {
    this.producer.drop()
  }

  close(): void {
    this.#end(new MillraceError('MR_LOG_FAILED', `${this.group.name} is closed`))
    this.group.leave()
    this.#host.clientClosed(this)
  }

  endSession(): void {
    this.#coordinator.expel(this.group, 'the session has timed out')
  }

  /** Ends this client, since a newer one was opened with the same transactional id. */
  fence(): void {
    const error = new MillraceError(
      'MR_FENCED',
      `${this.group.name} is fenced: another client with the transactional id '${this.transactionalId}' was opened`,
      { hint: 'Run one instance per process id and thread.' },
    )
    this.#end(error)
    this.#coordinator.fence(this.group, error)
  }

  #end(error: MillraceError): void {
    this.#refusal ??= error
    this.producer.drop()
    this.producer.refuse(error)
    void this.reader.close()
  }

  #assertUsable(): void {
    if (this.#refusal !== undefined) throw this.#refusal
  }
}
