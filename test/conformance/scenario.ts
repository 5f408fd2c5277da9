/** A recorded scenario; the README beside the recordings tells what the parts mean. */
export interface Scenario {
  readonly name: string
  readonly theme: string
  readonly config: {
    readonly cacheMaxBytes?: number
    /** `none`, `all`, or single optimizations with commas between them. */
    readonly optimize?: string
    readonly wallClockMs?: number
    readonly deserializationHandler?: 'fail' | 'continue'
    readonly processingHandler?: 'fail' | 'continue'
  }
  readonly topology: readonly Step[]
  readonly inputs: readonly Input[]
  readonly probes?: readonly { readonly store: string; readonly key: Scalar; readonly asOf: number }[]
  readonly expect: ScenarioResult
}

export type Scalar = string | number | null

export type Input =
  | {
      readonly topic: string
      readonly key: Scalar
      readonly value: Scalar
      readonly timestamp: number
      readonly headers?: readonly (readonly [string, string | null])[]
      readonly keySerde?: TypeName
      readonly valueSerde?: TypeName
    }
  | { readonly advanceWallClockMs: number }

export type TypeName = 'string' | 'long'

/** A record as scenarios show it. Windowed keys are `{ key, start, end }`. */
export interface ShownRecord {
  readonly key: unknown
  readonly value: unknown
  readonly timestamp: number
  readonly headers?: readonly (readonly [name: string, value: string | null])[]
}

/** What came of a scenario: as recorded, or as run. Parts that are absent are not compared. */
export interface ScenarioResult {
  readonly outputs?: Readonly<Record<string, readonly ShownRecord[]>>
  readonly stores?: Readonly<Record<string, readonly unknown[]>>
  readonly droppedRecords?: number
  readonly producedTopics?: readonly string[]
  readonly describe?: string
  /** `input`: index of the input at which it failed. */
  readonly error?: { readonly phase: 'build' | 'run'; readonly input?: number; readonly type?: string }
}

/** A branch of a `split`; `via`: how the branch is had (the README tells), at once if it is left out. */
export interface BranchStep {
  readonly id: string
  readonly name?: string
  readonly via?: 'map' | 'function' | 'null'
  readonly mapKey?: string
  readonly fn?: string
}

export interface ScheduleStep {
  readonly tag: string
  readonly intervalMs: number
  readonly clock?: 'stream' | 'wall'
  readonly startMs?: number
  readonly times?: number
}

export interface WindowsStep {
  readonly type: 'tumbling' | 'hopping' | 'sliding' | 'session' | 'unlimited'
  readonly sizeMs?: number
  readonly advanceMs?: number
  readonly diffMs?: number
  readonly gapMs?: number
  readonly graceMs?: number
  readonly startMs?: number
}

/** One call of the DSL; which parts it has depends on `op`. */
export interface Step {
  readonly id: string
  readonly op: string
  readonly from?: string | readonly string[]
  readonly with?: string
  readonly named?: string
  readonly topic?: string
  readonly topics?: readonly string[]
  readonly topicFn?: string
  readonly key?: TypeName
  readonly value?: TypeName
  readonly timestamps?: 'valueAt'
  readonly store?: string
  readonly caching?: boolean
  readonly storeType?: 'inMemory'
  readonly retentionMs?: number
  readonly historyMs?: number
  readonly pred?: string
  readonly fn?: string
  readonly keyFn?: string
  readonly list?: string
  readonly fk?: string
  readonly branches?: readonly (BranchStep & { readonly pred: string })[]
  readonly default?: BranchStep
  /** Names of the branches that are to be found afterwards, with commas between them. */
  readonly keys?: string
  readonly partitions?: number
  readonly partitioner?: string
  readonly topicBy?: string
  /** Name of the store that a `transformValues` counts its calls in. */
  readonly uses?: string
  readonly logging?: boolean
  /** The store is another step's. */
  readonly ref?: boolean
  readonly kind?: string
  readonly duplicates?: boolean
  readonly sizeMs?: number
  readonly counts?: string
  readonly lasts?: string
  readonly child?: string
  readonly global?: boolean
  readonly schedules?: readonly ScheduleStep[]
  readonly proc?: string
  readonly name?: string
  readonly ms?: number
  readonly intervalMs?: number
  readonly clock?: 'stream' | 'wall'
  readonly startMs?: number
  readonly times?: number
  readonly mode?: 'windowClose' | 'timeLimit'
  readonly buffer?: { readonly maxRecords?: number; readonly maxBytes?: number; readonly onFull?: 'shutdown' }
  readonly reducer?: string
  readonly subtractor?: string
  readonly init?: Scalar
  readonly agg?: string
  readonly merger?: string
  readonly windows?: WindowsStep & { readonly beforeMs?: number; readonly afterMs?: number }
  readonly emit?: 'close'
  readonly inputs?: readonly { readonly from: string; readonly agg: string }[]
  readonly joiner?: string
  readonly graceMs?: number
  /** How the step makes its calls where it is carried out as an asynchronous one. */
  readonly calls?: CallsStep
}

export interface CallsStep {
  readonly concurrency: number
  readonly sameKey: 'serial' | 'concurrent'
  readonly emit: 'in-order' | 'as-completed'
  readonly align: boolean
}
