import type { StateStore } from '../states.ts'
import type { OpenIterators } from './store-iterator.ts'

/** A state as users see it. */
export abstract class StoreFace<State extends Pick<StateStore, 'name'>> {
  readonly name: string
  protected readonly state: State
  protected readonly iterators: OpenIterators

  constructor(state: State, iterators: OpenIterators) {
    this.name = state.name
    this.state = state
    this.iterators = iterators
  }
}
