import { MillraceError } from '../../src/index.ts'
import type { KeyValueView } from '../../src/index.ts'
import { KEYS } from './input.ts'
import { OrderedKeys } from './ordered-keys.ts'
import type { Random } from './random.ts'
import { WatchClients } from './watch-clients.ts'
import { partitionOf } from './world.ts'
import type { RunningProcess, World } from './world.ts'

/** A process is asked about as often in a hundred steps. */
const ASKED = 5

/**
 * Ask every process, zombies too, how often a key was ordered. What is committed has a position: the answer must be the
 * number of orders before it. A client that carries a position never sees it go back.
 * None waits: what cannot be said now is asked again later.
 */
export class QueryClients {
  readonly problems: string[] = []
  /** Answers that were compared. */
  answers = 0
  /** By partition: the greatest offset that an answer had in it. */
  readonly #seen = new Map<number, number>()
  readonly #world: World
  readonly #random: Random
  readonly #orders: OrderedKeys
  readonly #watchers: WatchClients
  readonly #end = new AbortController()
  readonly #asking = new Set<Promise<void>>()
  #isOver = false

  constructor(world: World, random: Random) {
    this.#world = world
    this.#random = random
    this.#orders = new OrderedKeys(world.log)
    this.#watchers = new WatchClients(world, random, this.#orders, this.problems)
  }

  /** Changes that were shown to those who watch. */
  get changes(): number {
    return this.#watchers.changes
  }

  /** To be called after each step of the world. */
  step(): void {
    this.#watchers.step()
    for (const process of this.#world.running) {
      if (this.#random.next() * 100 >= ASKED) continue
      const asking: Promise<void> = this.#ask(process).finally(() => this.#asking.delete(asking))
      this.#asking.add(asking)
    }
  }

  /** Ends the questions that have no answer, and resolves when all is compared. The world must have settled. */
  async close(): Promise<void> {
    await this.#watchers.close()
    this.#isOver = true
    this.#end.abort()
    await Promise.all(this.#asking)
  }

  async #ask({ process, streams }: RunningProcess): Promise<void> {
    if (streams === undefined) return
    const key = this.#random.pick(KEYS)
    try {
      const store = this.#random.pick(['counts', 'totals'] as const)
      const counts = streams.store<KeyValueView<string, number | { readonly count: number }>>(store)
      const seen = this.#seen.get(partitionOf(key)) ?? 0
      const carries = this.#random.chance(0.5) ? { at: { orders: { [partitionOf(key)]: seen } } } : {}
      const { signal } = this.#end
      const {
        value: found,
        partition,
        position,
        consistency,
      } = await counts.read(key, {
        signal,
        timeout: 0,
        ...carries,
      })
      const value = typeof found === 'object' ? found.count : found
      const offset = position['orders']?.[partition]
      // Behind a crash the disk is that of the next process.
      if (this.#isOver || process.crashed || offset === undefined) return
      this.answers++
      this.#seen.set(partition, Math.max(this.#seen.get(partition) ?? 0, offset))
      if ('at' in carries && offset < seen) this.problems.push(`${process.name} goes back to ${offset} from ${seen}`)
      const expected = this.#orders.count(key, offset)
      if (consistency !== 'committed' || (value ?? 0) !== expected) {
        this.problems.push(
          `${process.name} says by ${store} that ${key} was ordered ${value ?? 0} times, not ${expected}, by ${offset}`,
        )
      }
    } catch (error) {
      if (this.#end.signal.aborted || (error instanceof MillraceError && error.code.startsWith('MR_QUERY'))) return
      if (error instanceof MillraceError && error.code === 'MR_CLOSED') return
      this.problems.push(`a query of ${process.name} fails: ${error instanceof Error ? error.stack : String(error)}`)
    }
  }
}
