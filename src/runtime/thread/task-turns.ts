import type { Slice } from '../../platform/slice.ts'
import type { LagOf } from '../task/processing.ts'
import type { Task } from '../task/task.ts'

/**
 * The order in which tasks process. Sub-topologies take turns. Among the tasks of one, the task with the earliest
 * record goes on until another's is earlier. Else a backlog would be read partition by partition, each at its own pace
 * in event time: records of one partition would be late where another, repartitioned to the same place, has closed
 * their window.
 */
export class TaskTurns {
  readonly #lanes = new Map<string, Lane>()
  /** The sub-topology with which the last slice ended: the next one begins after it. */
  #last: Lane | undefined

  add(task: Task): void {
    const lane = this.#lanes.get(laneOf(task))
    if (lane === undefined) this.#lanes.set(laneOf(task), new Lane(task))
    else lane.tasks.push(task)
  }

  remove(task: Task): void {
    const lane = this.#lanes.get(laneOf(task))
    if (lane === undefined) return
    lane.tasks.splice(lane.tasks.indexOf(task), 1)
    if (lane.tasks.length === 0) this.#lanes.delete(laneOf(task))
  }

  /** Records that wait for nothing but their turn: neither for others in the log, nor for a call. */
  get queued(): number {
    let queued = 0
    for (const { ranDry, tasks } of this.#lanes.values()) {
      if (!ranDry) for (const { processing } of tasks) queued += processing.queued
    }
    return queued
  }

  /** Records have been handed over: tasks that waited for them may go on. */
  arrived(): void {
    for (const lane of this.#lanes.values()) lane.ranDry = false
  }

  /**
   * Lets every sub-topology process up to `limit` records a task, until the slice is over. Returns how many it were. 0:
   * none may be taken before more arrive.
   */
  process(limit: number, lagOf: LagOf, slice: Slice): number {
    let processed = 0
    for (const lane of this.#inTurn()) {
      processed += lane.process(limit * lane.tasks.length, lagOf, slice)
      if (!slice.isOver) continue
      this.#last = lane
      return processed
    }
    this.#last = undefined
    return processed
  }

  #inTurn(): Iterable<Lane> {
    if (this.#last === undefined) return this.#lanes.values()
    const lanes = [...this.#lanes.values()]
    const next = lanes.indexOf(this.#last) + 1
    return [...lanes.slice(next), ...lanes.slice(0, next)]
  }
}

class Lane {
  readonly tasks: Task[]
  /** A task has no record left although the log holds more: its siblings would run ahead of them. */
  ranDry = false
  /** Tasks that may not proceed although they have records. */
  readonly #held = new Set<Task>()
  #until = Infinity

  constructor(first: Task) {
    this.tasks = [first]
  }

  process(limit: number, lagOf: LagOf, slice: Slice): number {
    let processed = 0
    this.#held.clear()
    while (processed < limit && !this.ranDry && !slice.isOver) {
      const next = this.#choose()
      if (next === undefined) break
      const count = next.processing.process(limit - processed, lagOf, slice, this.#until)
      if (count === 0) this.#held.add(next)
      else {
        next.stores.trimCache()
        processed += count
        this.ranDry = next.processing.awaitsRecords(lagOf)
      }
    }
    return processed
  }

  /** The task with the earliest record; `#until` is then the earliest of the others. */
  #choose(): Task | undefined {
    let chosen: Task | undefined
    let earliest = Infinity
    this.#until = Infinity
    for (const task of this.tasks) {
      const timestamp = task.processing.nextTimestamp
      if (timestamp >= this.#until || this.#held.has(task)) continue
      if (timestamp < earliest) {
        this.#until = earliest
        earliest = timestamp
        chosen = task
      } else this.#until = timestamp
    }
    return chosen
  }
}

/** The sub-topologies that a task runs: its siblings run the same. */
function laneOf({ subtopologies }: Task): string {
  return subtopologies.map(({ id }) => id).join('+')
}
