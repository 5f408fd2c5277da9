import type { TaskState } from '../../state/task/task-state.ts'
import type { Slice } from '../../platform/slice.ts'
import type { LagOf, Task } from '../task/task.ts'

/** A task that takes part, with the state to trim behind it. */
export interface TurnTask {
  readonly task: Task
  readonly state: TaskState
}

/**
 * Whose turn it is. Sub-topologies take turns; among the tasks of one sub-topology the one whose next record is earliest goes
 * on until another's is. Else a backlog would be read partition by partition, each at its own pace in event time, and what
 * one partition says of a minute would come too late where another, repartitioned to the same place, has long closed it.
 */
export class TaskTurns {
  readonly #lanes = new Map<string, Lane>()
  /** The sub-topology with which the last slice ended: the next one begins behind it. */
  #last: Lane | undefined

  add(lane: string, entry: TurnTask): void {
    const found = this.#lanes.get(lane)
    if (found === undefined) this.#lanes.set(lane, new Lane(entry))
    else found.entries.push(entry)
  }

  remove(lane: string, entry: TurnTask): void {
    const found = this.#lanes.get(lane)
    if (found === undefined) return
    found.entries.splice(found.entries.indexOf(entry), 1)
    if (found.entries.length === 0) this.#lanes.delete(lane)
  }

  /** Records have been handed over: who waited for them may go on. */
  arrived(): void {
    for (const lane of this.#lanes.values()) lane.ranDry = false
  }

  /**
   * Lets every sub-topology process up to `limit` records a task, until the slice is over; 0: nothing may be taken before more
   * arrives.
   */
  process(limit: number, lagOf: LagOf, slice: Slice): number {
    let processed = 0
    for (const lane of this.#inTurn()) {
      processed += lane.process(limit * lane.entries.length, lagOf, slice)
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
  readonly entries: TurnTask[]
  /** A task has no record left although the log holds more: its siblings would run ahead of them. */
  ranDry = false
  /** Tasks that may not proceed although they have records. */
  readonly #held = new Set<TurnTask>()
  #until = Infinity

  constructor(first: TurnTask) {
    this.entries = [first]
  }

  process(limit: number, lagOf: LagOf, slice: Slice): number {
    let processed = 0
    this.#held.clear()
    while (processed < limit && !this.ranDry && !slice.isOver) {
      const next = this.#choose()
      if (next === undefined) break
      const count = next.task.process(limit - processed, lagOf, slice, this.#until)
      if (count === 0) this.#held.add(next)
      else {
        next.state.trimCache()
        processed += count
        this.ranDry = next.task.awaitsRecords(lagOf)
      }
    }
    return processed
  }

  /** The task with the earliest record; `#until` is then the earliest of the others. */
  #choose(): TurnTask | undefined {
    let chosen: TurnTask | undefined
    let earliest = Infinity
    this.#until = Infinity
    for (const entry of this.entries) {
      const timestamp = entry.task.nextTimestamp
      if (timestamp >= this.#until || this.#held.has(entry)) continue
      if (timestamp < earliest) {
        this.#until = earliest
        earliest = timestamp
        chosen = entry
      } else this.#until = timestamp
    }
    return chosen
  }
}
