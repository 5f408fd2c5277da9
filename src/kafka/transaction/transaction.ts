import { PartitionMap, type CommitOutcome, type TopicPartition } from '../../log/log.ts'
import type { MillraceError } from '../../errors/millrace-error.ts'
import type { Clock } from '../../platform/clock.ts'
import { StateMachine } from '../../platform/state-machine.ts'
import type { ProducerIdentity, ProducerSession } from '../produce/producer-session.ts'
import { TransactionRequests, type TransactionCluster } from './transaction-requests.ts'
import {
  fenced,
  isAbortable,
  isForgotten,
  isNothingToEnd,
  isOutOfReach,
  isRefusedEpoch,
  isUnreachable,
} from '../protocol/transaction-errors.ts'

/** States of a transactional id whose last transaction was aborted by the coordinator. */
const abortedStates: ReadonlySet<string> = new Set(['PrepareEpochFence', 'PrepareAbort', 'CompleteAbort'])

/** States in which nobody writes under the epoch. */
const restingStates: ReadonlySet<string> = new Set(['Empty', 'CompleteCommit', ...abortedStates])

/** A moment by both readings of the clock, in ms. */
interface Moment {
  readonly monotonic: number
  readonly date: number
}

/** Gives the group its offsets in the transaction. Returns false if this client is no member to the group. */
export type SendOffsets = (requests: TransactionRequests, identity: ProducerIdentity) => Promise<boolean>

/** `fatal`: another client has taken over the transactional id. */
type State = 'uninitialized' | 'ready' | 'in_transaction' | 'committing' | 'aborting' | 'fatal'

/**
 * The transactions of one producer, one after the other (KIP-98). The first partition that is written to begins one, or
 * a commit of offsets alone. `commit` or `abort` ends it. The states are those of Kafka's `TransactionManager`:
 *
 * ```
 *               new epoch           first partition                     commit
 * uninitialized ─────────▶  ready  ─────────────────▶ in_transaction ─────────────▶ committing
 *   ▲   ▲   ▲                │ ▲ └─────────── commit of offsets alone ────────────▶ │  │  │
 *   │   │   └──── abort ─────┘ └────────────────────────── committed ───────────────┘  │  │
 *   │   └──── committed, or timed out: the epoch must not be used again ───────────────┘  │
 *   │                                    in_transaction ◀─────── not committed ───────────┘
 *   │        ended, or timed out               │ abort
 *   └────────────────────────────── aborting ◀─┘              every state ──▶ fatal
 * ```
 *
 * `aborting` lasts until the coordinator, which may be unreachable, has received it. Meanwhile records are appended for
 * the next transaction. A transaction that lacks some of its records is *doomed*, in whatever state: `commit` returns
 * `aborted`, and the next one begins after `abort`.
 */
export class Transaction implements ProducerSession {
  readonly transactionalId: string
  readonly #requests: TransactionRequests
  readonly #clock: Clock
  readonly #timeout: number
  readonly #state = new StateMachine<State>(
    'a transaction',
    {
      uninitialized: ['ready', 'fatal'],
      ready: ['in_transaction', 'committing', 'uninitialized', 'fatal'],
      in_transaction: ['committing', 'aborting', 'fatal'],
      committing: ['ready', 'in_transaction', 'uninitialized', 'fatal'],
      aborting: ['uninitialized', 'fatal'],
      fatal: [],
    },
    'ready',
  )
  #identity: ProducerIdentity
  readonly #added = new PartitionMap<true>()
  /** When the first request that may have begun the latest transaction was sent. */
  #begun: Moment
  #isDoomed = false
  /** A request for the next epoch had no definite answer. */
  #isEpochInDoubt = false
  /** Why the state is `fatal`. */
  #fence: MillraceError | undefined
  /** Requests that had no definite answer when this epoch was given. Later ones may still arrive under it. */
  #unansweredBefore: number
  /** Resolves when every `prepare` and `commit` has settled. */
  #underWay = Promise.resolve()
  #settling: Promise<void> | undefined
  /** The last generation of batches that the transaction takes, once that is known. */
  #sealed = Number.POSITIVE_INFINITY

  private constructor(cluster: TransactionCluster, requests: TransactionRequests, identity: ProducerIdentity) {
    this.transactionalId = requests.transactionalId
    this.#requests = requests
    this.#clock = cluster.options.clock
    this.#timeout = cluster.options.transactionTimeout
    this.#identity = identity
    this.#begun = momentOf(this.#clock)
    this.#unansweredBefore = requests.unanswered
  }

  /** Takes the transactional id over. This fences its last owner and resolves when the open transaction is aborted. */
  static async open(cluster: TransactionCluster, transactionalId: string): Promise<Transaction> {
    const requests = new TransactionRequests(cluster, transactionalId)
    return new Transaction(cluster, requests, await requests.initProducerId())
  }

  /** Whether there is anything that `commit` would decide. */
  get isOpen(): boolean {
    return this.#isDoomed || this.#state.is('in_transaction', 'committing', 'fatal')
  }

  get isDoomed(): boolean {
    return this.#isDoomed
  }

  /** Whether the next transaction will have another epoch, under which sequence numbers begin at 0. */
  get isSpent(): boolean {
    return this.#state.is('uninitialized')
  }

  /** @throws MR_FENCED */
  requireUnfenced(): void {
    if (this.#fence !== undefined) throw this.#fence
  }

  accepts(generation: number): boolean {
    return generation <= this.#sealed
  }

  identity(topic: string, partition: number): ProducerIdentity | undefined {
    return this.#state.is('in_transaction') && this.#added.has(topic, partition) ? this.#identity : undefined
  }

  /** Makes later generations wait for the next transaction. */
  seal(generation: number): void {
    this.#sealed = generation
  }

  unseal(): void {
    this.#sealed = Number.POSITIVE_INFINITY
  }

  prepare(partitions: readonly TopicPartition[]): Promise<void> {
    return this.#tracked(this.#prepare(this.#underWay, partitions))
  }

  /** Only `abort` gives up an epoch whose sequence numbers are in doubt. */
  renew(): boolean {
    return false
  }

  /** Whether an error ends only this transaction, which is then doomed. Keeps errors that say this client is fenced. */
  dooms(error: unknown): boolean {
    if (!this.#isOverdue()) this.#fencedBy(error)
    if (this.#fence !== undefined) return false
    if (!isRefusedEpoch(error) && !isAbortable(error) && !isUnreachable(error)) return false
    this.#isDoomed = true
    return true
  }

  /**
   * Ends the transaction so that its records and the group's offsets count together. All writes must be acknowledged.
   *
   * @param groupId `undefined`: only the records, for a client without a group
   * @throws MR_FENCED, KafkaError if a request was refused; nothing was committed then
   */
  commit(groupId: string | undefined, sendOffsets: SendOffsets): Promise<CommitOutcome> {
    return this.#tracked(this.#commit(groupId, sendOffsets))
  }

  /** Gives the transaction up. A request that cannot reach the coordinator now is made up for before the next one. */
  async abort(): Promise<void> {
    await this.#underWay
    this.#isDoomed = false
    if (this.#state.is('in_transaction')) this.#state.become('aborting')
    else if (this.#state.is('ready')) this.#state.become('uninitialized')
    this.#added.clear()
    // The transaction cannot be committed any more. What is wrong shows again when the next one begins.
    await this.settle().catch(() => undefined)
  }

  /** Ends an aborted transaction and gets a new epoch, if due. @throws MR_FENCED, MR_LOG_UNREACHABLE, KafkaError */
  settle(): Promise<void> {
    this.#settling ??= this.#settle().finally(() => (this.#settling = undefined))
    return this.#settling
  }

  async #settle(): Promise<void> {
    this.requireUnfenced()
    if (this.#state.is('aborting')) await this.#endAborted()
    if (!this.#state.is('uninitialized')) return
    try {
      this.#identity = await this.#nextEpoch()
    } catch (error) {
      throw this.#fencedBy(error)
    }
    this.#isEpochInDoubt = false
    this.#state.become('ready')
    this.#unansweredBefore = this.#requests.unanswered
  }

  /**
   * A coordinator that gave the next epoch gives it again if the answer was lost (KIP-360). The one that takes its
   * place does not know of that, and refuses. Nobody has that epoch then: this client goes on from it.
   */
  async #nextEpoch(): Promise<ProducerIdentity> {
    const { unanswered } = this.#requests
    try {
      return await this.#requests.initProducerId(this.#identity)
    } catch (error) {
      this.#isEpochInDoubt ||= this.#requests.unanswered > unanswered
      if (!isRefusedEpoch(error) || !this.#isEpochInDoubt) throw error
      const { state, ...next } = await this.#requests.describe()
      if (!this.#isNext(next) || !restingStates.has(state)) throw error
      this.#isEpochInDoubt = false
      this.#identity = next
      return this.#nextEpoch()
    }
  }

  #isNext({ producerId, epoch }: ProducerIdentity): boolean {
    return producerId === this.#identity.producerId && epoch === this.#identity.epoch + 1
  }

  async #endAborted(): Promise<void> {
    try {
      await this.#requests.end(this.#identity, false)
    } catch (error) {
      if (isRefusedEpoch(error)) return this.#followTimeout(error)
      if (!isNothingToEnd(error)) throw error
    }
    this.#state.become('uninitialized')
  }

  #tracked<T>(work: Promise<T>): Promise<T> {
    const before = this.#underWay
    this.#underWay = work.catch(() => undefined).then(() => before)
    return work
  }

  async #prepare(before: Promise<void>, partitions: readonly TopicPartition[]): Promise<void> {
    await before
    await this.settle()
    if (this.#state.is('ready')) this.#enter('in_transaction')
    await this.#requests.addPartitions(this.#identity, partitions)
    for (const { topic, partition } of partitions) this.#added.set(topic, partition, true)
  }

  /** Must be called before the first request that begins the transaction. */
  #enter(state: 'in_transaction' | 'committing'): void {
    if (this.#state.is('ready')) this.#begun = momentOf(this.#clock)
    this.#state.become(state)
  }

  async #commit(groupId: string | undefined, sendOffsets: SendOffsets): Promise<CommitOutcome> {
    if (this.#isDoomed) return 'aborted'
    try {
      return await this.#sendAndEnd(groupId, sendOffsets)
    } finally {
      if (this.#state.is('committing')) this.#state.become('in_transaction')
    }
  }

  async #sendAndEnd(groupId: string | undefined, sendOffsets: SendOffsets): Promise<CommitOutcome> {
    try {
      if (!this.#state.is('in_transaction')) await this.settle()
      this.#enter('committing')
      if (groupId !== undefined) await this.#requests.addOffsets(this.#identity, groupId)
      if (groupId !== undefined && !(await sendOffsets(this.#requests, this.#identity))) {
        this.#isDoomed = true
        return 'aborted'
      }
    } catch (error) {
      if (this.dooms(error)) return 'aborted'
      this.requireUnfenced()
      this.#isDoomed = true
      if (isOutOfReach(error)) return 'aborted'
      throw error
    }
    const unanswered = this.#requests.unanswered
    try {
      await this.#requests.end(this.#identity, true)
    } catch (error) {
      return this.#notCommitted(error, this.#requests.unanswered > unanswered)
    }
    this.#added.clear()
    this.#state.become(this.#requests.unanswered > this.#unansweredBefore ? 'uninitialized' : 'ready')
    return 'committed'
  }

  /** @param isInDoubt a commit was sent without an answer: it may have been carried out, and something else since */
  async #notCommitted(error: unknown, isInDoubt: boolean): Promise<CommitOutcome> {
    this.#isDoomed = true
    // At the same epoch a commit that was carried out gets the same answer however often it is sent.
    if (isNothingToEnd(error)) return isInDoubt && isForgotten(error) ? 'unknown' : 'aborted'
    if (isRefusedEpoch(error)) {
      try {
        await this.#followTimeout(error)
        return 'aborted'
      } catch (failure) {
        if (isInDoubt) return 'unknown'
        throw failure
      }
    }
    if (isInDoubt || isOutOfReach(error)) return 'unknown'
    throw error
  }

  /**
   * The coordinator takes the epoch away from a transaction that is open for too long, and when another client takes
   * over. In the first case nobody has the new epoch: this client goes on with it, and a later takeover fences it.
   *
   * @throws MR_FENCED, MR_LOG_UNREACHABLE
   */
  async #followTimeout(refusal: unknown): Promise<void> {
    if (!this.#isOverdue()) throw this.#fencedBy(refusal)
    const { state, ...next } = await this.#requests.describe()
    if (!this.#isNext(next) || !abortedStates.has(state)) throw this.#fencedBy(refusal)
    this.#identity = next
    this.#state.become('uninitialized')
  }

  /**
   * Whether the coordinator may have given the transaction up. The date counts, too: the monotonic clock stands still
   * while the machine sleeps. A date that was set forward does no harm, since the coordinator is asked then.
   */
  #isOverdue(): boolean {
    if (!this.#state.is('in_transaction', 'committing', 'aborting')) return false
    const { monotonic, date } = momentOf(this.#clock)
    return monotonic - this.#begun.monotonic >= this.#timeout || date - this.#begun.date >= this.#timeout
  }

  /** Returns the error to throw, and keeps it if it says that another client took over. */
  #fencedBy(error: unknown): unknown {
    if (!isRefusedEpoch(error)) return error
    if (this.#fence === undefined) this.#state.become('fatal')
    return (this.#fence ??= fenced(this.transactionalId, error))
  }
}

function momentOf(clock: Clock): Moment {
  return { monotonic: clock.monotonic(), date: clock.now() }
}
