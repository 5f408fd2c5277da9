import { MillraceError } from '../errors/millrace-error.ts'

/** The states of something, each with the states that may follow it. */
export type Transitions<State extends string> = Readonly<Record<State, readonly State[]>>

/** A named state that changes only as its transitions allow. */
export class StateMachine<State extends string> {
  readonly #what: string
  readonly #transitions: Transitions<State>
  #current: State

  /** @param what is in that state, for the error: `a transaction` */
  constructor(what: string, transitions: Transitions<State>, initial: State) {
    this.#what = what
    this.#transitions = transitions
    this.#current = initial
  }

  is(...states: readonly State[]): boolean {
    return states.includes(this.#current)
  }

  /** @throws MR_INTERNAL if `next` may not follow the current state: the state stays, and the calling code is wrong */
  become(next: State): void {
    if (!this.#transitions[this.#current].includes(next))
      throw new MillraceError('MR_INTERNAL', `${this.#what} cannot go from ${this.#current} to ${next}`)
    this.#current = next
  }
}
