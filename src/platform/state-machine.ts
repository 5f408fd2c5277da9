import { MillraceError } from '../errors/millrace-error.ts'

/** A named state that changes only as its transitions allow. */
export class StateMachine<State extends string> {
  readonly #what: string
  readonly #transitions: Readonly<Record<State, readonly State[]>>
  #current: State

  /**
   * @param what is in that state, for the error: `a transaction`
   * @param transitions the states that may follow each state
   */
  constructor(what: string, transitions: Readonly<Record<State, readonly State[]>>, initial: State) {
    this.#what = what
    this.#transitions = transitions
    this.#current = initial
  }

  get current(): State {
    return this.#current
  }

  is(...states: readonly State[]): boolean {
    return states.includes(this.#current)
  }

  /**
   * Goes to a state, or stays in it.
   *
   * @throws MR_INTERNAL if `next` may not follow the current state: the state stays, and the calling code is wrong
   */
  become(next: State): void {
    if (next !== this.#current && !this.#transitions[this.#current].includes(next))
      throw new MillraceError('MR_INTERNAL', `${this.#what} cannot go from ${this.#current} to ${next}`)
    this.#current = next
  }
}
