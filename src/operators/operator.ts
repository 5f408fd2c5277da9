import type { DropReason } from '../record/drop-reason.ts'
import type { CallbackScope } from '../record/callback-scope.ts'
import type { RecordContext } from '../record/record-context.ts'
import type { Headers } from '../record/headers.ts'
import type { StateStore } from '../state/states.ts'
import type { OperatorName, OperatorSpecs } from '../topology/operator-spec.ts'
import type { CallHost } from './calls.ts'
import type { Cancellable, PunctuationType } from '../topology/processor-api.ts'

/**
 * A running operator of one task. Called synchronously, depth first: when `process` returns, the whole subtree has
 * processed what it forwarded. Table operators receive and forward a `Change` as value.
 */
export abstract class Operator {
  /** Set by the task before `init`. */
  output!: Output
  context!: OperatorContext

  /** State is open and restored; stores, output and context may be used. */
  init(): void {}
  abstract process(key: unknown, value: unknown, timestamp: number, headers: Headers): void
  /**
   * The operator's own stream time, if it has one, goes on by `ms` without a record, but not beyond `limit`. True if it
   * forwarded anything, with these headers.
   */
  passTime(_ms: number, _limit: number, _headers: Headers): boolean {
    return false
  }
  close(): void {}
}

/** An operator as the topology specifies it. */
export abstract class SpecOperator<Name extends OperatorName> extends Operator {
  protected readonly spec: OperatorSpecs[Name]

  constructor(spec: OperatorSpecs[Name]) {
    super()
    this.spec = spec
  }
}

/** The children of an operator, in the order of their calls. The runtime attributes errors to the failing child. */
export interface Output {
  forward(key: unknown, value: unknown, timestamp: number, headers: Headers): void
  /** @throws MR_UNKNOWN_CHILD */
  forwardTo(child: string, key: unknown, value: unknown, timestamp: number, headers: Headers): void
}

/** What a task offers its operators. */
export interface OperatorContext {
  /** Name of the operator's node. */
  readonly node: string
  readonly applicationId: string
  /** `<subtopology>_<partition>` */
  readonly taskId: string
  readonly partition: number
  /** The input record being processed; one object, changed in place. */
  readonly record: RecordContext
  /** Kafka Streams 4.3's answers where the default differs. */
  readonly compatible: boolean
  /** True if errors of user functions may be skipped: live state must not be handed to them then. */
  readonly mayContinue: boolean
  /** A store connected to the node. @throws MR_STORE_NOT_CONNECTED */
  state<S extends StateStore>(name: string): S
  /** The user's view of a connected store, writable in these callbacks only. @throws MR_STORE_NOT_CONNECTED */
  userStore(name: string, scope: CallbackScope): unknown
  /** Greatest timestamp taken by the task; -1 before the first record. */
  streamTime(): number
  /** Wall-clock time, ms. */
  now(): number
  schedule(
    interval: number,
    type: PunctuationType,
    punctuator: (timestamp: number) => void,
    start: number | undefined,
  ): Cancellable
  requestCommit(): void
  /** The task, for operators that call services. */
  readonly calls: CallHost
  /** Counts the current record as dropped, and logs it with its place. */
  drop(reason: DropReason): void
  /**
   * A number kept with the task's committed offsets and back after a restart: operators' own stream time, the position
   * of emit-on-close. `undefined` before the first. Keys are names of nodes or stores; one key may be shared by nodes
   * of a task.
   */
  savedTime(key: string): number | undefined
  saveTime(key: string, time: number): void
  forgetTime(key: string): void
}
