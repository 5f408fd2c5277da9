/* What the server gives the console to show. The console's own code reads these types, so they stand by themselves. */

/** A series of a metric: a number, or a histogram. */
export interface ShownSeries {
  readonly labels: Readonly<Record<string, string>>
  readonly value?: number
  readonly count?: number
  readonly sum?: number
  /** Cumulative, one for each of `bounds`. */
  readonly buckets?: readonly number[]
}

export interface ShownMetric {
  readonly name: string
  /** How series of several instances are joined. */
  readonly bounds?: readonly number[]
  readonly series: readonly ShownSeries[]
}

/** A task of an instance, or its copy of one's stores. */
export type ShownTask =
  | {
      readonly role: 'active'
      readonly id: string
      readonly thread: string
      /** ms since the epoch; null before the first record. */
      readonly streamTime: number | null
      readonly processed: number
    }
  /** Offsets that it lacks; null while unknown. */
  | { readonly role: 'standby'; readonly id: string; readonly thread: string; readonly lag: number | null }

/** The restore of one store. */
export interface ShownRestore {
  readonly task: string
  readonly store: string
  readonly from: number
  readonly position: number
  readonly end: number
  /** Offsets a second of late; 0 while unknown. */
  readonly rate: number
}

export interface ShownCheck {
  readonly name: string
  readonly ok: boolean
  readonly message: string
}

export interface ShownProbe {
  readonly ok: boolean
  readonly checks: readonly ShownCheck[]
}

/** A setting; one whose value is nobody's business has `…` in its place. */
export type ShownSetting = readonly [name: string, value: string]

/** What an instance is and does. */
export interface InstanceView {
  readonly app: string
  /** The version of Millrace. */
  readonly version: string
  /** The instance by name; another one after a restart. */
  readonly instance: string
  readonly state: string
  readonly log: string
  readonly guarantee: string
  readonly threads: number
  /** ms of the instance's monotonic clock: rates are differences. */
  readonly at: number
  readonly processed: number
  readonly written: number
  /** Records known to wait. */
  readonly lag: number
  readonly commits: number
  readonly tasks: readonly ShownTask[]
  readonly restores: readonly ShownRestore[]
  readonly probes: { readonly live: ShownProbe; readonly ready: ShownProbe; readonly startup: ShownProbe }
  readonly metrics: readonly ShownMetric[]
  readonly settings: readonly ShownSetting[]
}

/** An instance, as the one that is asked sees it. */
export interface SeenInstance {
  /** Null: it advertises nothing. */
  readonly endpoint: string | null
  /** True: the one that is asked. */
  readonly isLocal: boolean
  /** Tasks that the group has given it. */
  readonly active: readonly string[]
  readonly standby: readonly string[]
  /** What it last showed; absent if it has shown nothing. */
  readonly view?: InstanceView
  /** Why it shows nothing now. */
  readonly problem?: { readonly code: string; readonly detail: string; readonly hint?: string | undefined }
}

/** All instances at one moment. */
export interface Overview {
  /** ms of the monotonic clock of the instance that is asked. */
  readonly at: number
  readonly instances: readonly SeenInstance[]
}
