import type { Log } from './log.ts'

/**
 * How another thread opens the same log: data that can be cloned, and who understands it. Each thread has a log object of its own,
 * with connections of its own.
 */
export interface LogDescription {
  /** URL of a module that exports `openDescribed`, an `OpenDescribed`. */
  readonly module: string
  readonly options: unknown
}

export type OpenDescribed = (options: unknown) => Log
