import { isMillraceError } from '../../errors/millrace-error.ts'
import type { Opened, RowOwners } from '../ask.ts'
import type { RowRequest } from '../row-request.ts'
import type { Hosts } from './hosts.ts'
import { noToken, type PeerClient } from './peer-client.ts'

export interface InstanceRowsOptions {
  /** The tasks of this process. */
  readonly local: RowOwners
  /** Where others reach this process. */
  readonly own: string | undefined
  /** Returns where the tasks of a partition of a store are, as far as this process knows. */
  readonly hostsOf: (store: string, partition: number) => Hosts
  /**
   * Called when it turns out that this process may not know where tasks are. Returns at once, whether what it knows is
   * as of the last second.
   */
  readonly doubt: () => boolean
  /** Undefined: this process has no token, and can ask nobody. */
  readonly client: PeerClient | undefined
  readonly formatOf: (store: string) => string
}

/** Why this process cannot answer, while another one may. */
const elsewhere: ReadonlySet<string> = new Set(['MR_QUERY_NOT_OWNER'])
/** Likewise, if any copy of the rows will do. */
const elsewhereForAny: ReadonlySet<string> = new Set([
  'MR_QUERY_NOT_OWNER',
  'MR_QUERY_PEER',
  'MR_QUERY_RESTORING',
  'MR_QUERY_STALE',
])

/** The stores of all instances of an application. One that has the task is asked, and never asks a third. */
export class InstanceRows implements RowOwners {
  readonly #options: InstanceRowsOptions

  constructor(options: InstanceRowsOptions) {
    this.#options = options
  }

  async open(request: RowRequest, deadline: number): Promise<Opened> {
    const { local, client, formatOf } = this.#options
    let refusal: unknown
    try {
      return await local.open(request, deadline)
    } catch (error) {
      if (!isElsewhere(error, request)) throw error
      refusal = error
    }
    const endpoints = this.#endpoints(request)
    if (client === undefined) {
      // A task that comes here is waited for: the routes may be those of before.
      if (this.#options.doubt() && endpoints.length > 0 && isNotOwner(refusal)) throw noToken(request)
      throw refusal
    }
    for (const endpoint of endpoints) {
      const isLast = endpoint === endpoints.at(-1)
      const isDoubtful = (): boolean => {
        this.#options.doubt()
        return !isLast || !this.#endpoints(request).includes(endpoint)
      }
      try {
        const format = formatOf(request.store)
        return await client.open({ endpoint, format, request, deadline, isDoubtful })
      } catch (error) {
        if (!isElsewhere(error, request) && !isUnreachable(error)) throw error
        refusal = error
      }
    }
    this.#options.doubt()
    throw refusal
  }

  /** Those who may have the rows: the task that processes first. */
  #endpoints({ store, partition, role }: RowRequest): string[] {
    const { hostsOf, own } = this.#options
    const { active, standbys } = hostsOf(store, partition)
    const all = role === 'any' ? [active, ...standbys] : [active]
    return all.filter((endpoint) => endpoint !== undefined && endpoint !== own) as string[]
  }
}

function isElsewhere(error: unknown, { role }: RowRequest): boolean {
  return isMillraceError(error) && (role === 'any' ? elsewhereForAny : elsewhere).has(error.code)
}

function isNotOwner(error: unknown): boolean {
  return isMillraceError(error) && error.code === 'MR_QUERY_NOT_OWNER'
}

function isUnreachable(error: unknown): boolean {
  return isMillraceError(error) && error.code === 'MR_QUERY_PEER'
}
