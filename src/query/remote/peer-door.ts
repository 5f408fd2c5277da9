import { MillraceError } from '../../errors/millrace-error.ts'
import type { Opened, RowOwners } from '../ask.ts'
import type { RowRequest } from '../row-request.ts'

/** What an instance lets the others ask. */
export interface PeerDoor {
  /** Whether a token is the one of the instances. Without one of its own, an instance accepts none. */
  accepts(token: string): Promise<boolean>
  /**
   * Opens a request on the tasks of this process. It is never passed on.
   *
   * @param application id of the asker's application
   * @param format that the asker takes the store's rows for
   * @throws MR_QUERY_PEER if another application is meant; MR_QUERY_PEER_VERSION if the rows have another format;
   * MR_STORE_UNKNOWN; what `RowOwner.open` throws
   */
  open(application: string, format: string, request: RowRequest): Promise<Opened>
}

/** The other instances of the application: what they may ask, and what they are asked. */
export interface Peers {
  readonly door: PeerDoor
  /**
   * Returns a document that another instance shows under a path, as JSON.
   *
   * @param deadline when nobody waits any more, by the monotonic clock
   * @throws as `PeerClient.read` does
   */
  read(endpoint: string, path: string, deadline: number): Promise<unknown>
}

/** Opens requests of other instances. */
export class LocalDoor implements PeerDoor {
  readonly #application: string
  readonly #local: RowOwners
  readonly #formatOf: (store: string) => string
  readonly #accepts: (token: string) => Promise<boolean>

  /** @param formatOf throws MR_STORE_UNKNOWN */
  constructor(
    application: string,
    local: RowOwners,
    formatOf: (store: string) => string,
    accepts: (token: string) => Promise<boolean>,
  ) {
    this.#application = application
    this.#local = local
    this.#formatOf = formatOf
    this.#accepts = accepts
  }

  accepts(token: string): Promise<boolean> {
    return this.#accepts(token)
  }

  async open(application: string, format: string, request: RowRequest): Promise<Opened> {
    const { store, partition } = request
    if (application !== this.#application) {
      throw new MillraceError('MR_QUERY_PEER', `this is an instance of ${this.#application}, not of ${application}`, {
        store,
        partition,
        hint: 'Give each instance an address of its own to advertise.',
      })
    }
    const own = this.#formatOf(store)
    if (format !== own) {
      throw new MillraceError('MR_QUERY_PEER_VERSION', `the store has the format ${own} here, not ${format}`, {
        store,
        partition,
        hint: 'Ask again when the rolling upgrade has come to its end.',
      })
    }
    return this.#local.open(request, Infinity)
  }
}
