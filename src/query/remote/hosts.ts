/** The instances, as `HOST:PORT`, that have the stores of a task. */
export interface Hosts {
  /** Undefined while the task is on its way to another instance, or is with one that has no endpoint. */
  readonly active: string | undefined
  readonly standbys: readonly string[]
}
