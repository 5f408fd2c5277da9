import type { Random } from './random.ts'

/** A part of the world to which things happen, except while it is stopped. */
export interface Actor {
  readonly name: string
  readonly stopped: boolean
}

interface Happening {
  readonly actor: Actor
  readonly what: string
  readonly run: () => void
}

/**
 * Everything that could happen next. The seed decides what does, one happening after the other. All that follows from a
 * happening by promises alone is over before the next.
 */
export class Schedule {
  readonly random: Random
  readonly trace: string[] = []
  #pending: Happening[] = []
  steps = 0

  constructor(random: Random) {
    this.random = random
  }

  add(actor: Actor, what: string, run: () => void): void {
    this.#pending.push({ actor, what, run })
  }

  note(what: string): void {
    this.trace.push(what)
  }

  /** Lets one thing happen. Returns false if nothing can. */
  async step(): Promise<boolean> {
    const possible = this.#pending.filter(({ actor }) => !actor.stopped)
    if (possible.length === 0) return false
    const chosen = this.random.pick(possible)
    this.#pending.splice(this.#pending.indexOf(chosen), 1)
    this.steps++
    this.note(`${chosen.actor.name}: ${chosen.what}`)
    chosen.run()
    await rest()
    return true
  }

  /** Removes everything that was to happen to an actor. */
  forget(actor: Actor): void {
    this.#pending = this.#pending.filter((happening) => happening.actor !== actor)
  }

  /** Everything that is still to happen, for a report. */
  get waiting(): readonly string[] {
    return this.#pending.map(({ actor, what }) => `${actor.name}${actor.stopped ? ' (stopped)' : ''}: ${what}`)
  }
}

/** Resolves when every promise that can be resolved is resolved. */
export function rest(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
