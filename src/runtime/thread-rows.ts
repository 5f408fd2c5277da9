import { isMillraceError, MillraceError } from '../errors/millrace-error.ts'
import type { Opened, RowOwners } from '../query/ask.ts'
import type { RowOwner, RowRequest } from '../query/row-request.ts'
import type { StreamsState } from './streams-status.ts'
import type { ThreadHandle } from './thread/thread-handle.ts'

/** The stores of the tasks of this process, in whichever thread they are. */
export class ThreadRows implements RowOwners {
  readonly #threads: () => readonly ThreadHandle[]
  readonly #state: () => StreamsState
  /** By store and partition: who had it last. */
  readonly #owners = new Map<string, RowOwner>()

  constructor(threads: () => readonly ThreadHandle[], state: () => StreamsState) {
    this.#threads = threads
    this.#state = state
  }

  async open(request: RowRequest): Promise<Opened> {
    const key = `${request.partition} ${request.store}`
    const last = this.#owners.get(key)
    const owners = this.#threads().map(({ rows }) => rows)
    let refusal: unknown
    for (const owner of [...owners.filter((each) => each === last), ...owners.filter((each) => each !== last)]) {
      try {
        const page = await owner.open(request)
        this.#owners.set(key, owner)
        return { page, scans: owner }
      } catch (error) {
        if (!isMillraceError(error) || error.code !== 'MR_QUERY_NOT_OWNER') throw error
        refusal = error
      }
    }
    throw this.#isEnded ? closed(request) : refusal
  }

  get #isEnded(): boolean {
    return this.#state() === 'not-running' || this.#state() === 'error'
  }
}

function closed({ store }: RowRequest): MillraceError {
  return new MillraceError('MR_CLOSED', 'the application was closed', { store })
}
