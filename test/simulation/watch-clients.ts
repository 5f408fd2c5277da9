import { MillraceError } from '../../src/index.ts'
import type { KeyValueView } from '../../src/index.ts'
import type { Position } from '../../src/query/row-request.ts'
import { KEYS } from './input.ts'
import type { OrderedKeys } from './ordered-keys.ts'
import type { Random } from './random.ts'
import { PARTITIONS, partitionOf } from './world.ts'
import type { RunningProcess, World } from './world.ts'

/** A process gets another watch as often in a hundred steps, if it has none of that partition. */
const BEGUN = 1
/** Steps of the settled world in which every watch must have shown all. */
const MOST_STEPS = 300

interface Watch {
  readonly name: string
  readonly process: RunningProcess
  readonly partition: number
  /** What was shown last, by key. */
  readonly counts: Map<string, number>
}

/**
 * Watch how often keys were ordered, in any process, zombies, too. Each value must be the number of orders before its
 * position, and none goes back. What was shown last must be what there is in the end. A client carries its position
 * from one watch to the next.
 */
export class WatchClients {
  /** Changes that were compared. */
  changes = 0
  readonly #world: World
  readonly #random: Random
  readonly #orders: OrderedKeys
  readonly #problems: string[]
  readonly #watches = new Set<Watch>()
  readonly #watching = new Set<Promise<void>>()
  /** By partition: what was shown. */
  readonly #positions = new Map<number, Position>()
  readonly #end = new AbortController()

  constructor(world: World, random: Random, orders: OrderedKeys, problems: string[]) {
    this.#world = world
    this.#random = random
    this.#orders = orders
    this.#problems = problems
  }

  step(): void {
    for (const process of this.#world.running) {
      if (this.#random.next() * 100 >= BEGUN || process.streams === undefined) continue
      const partition = this.#random.between(0, PARTITIONS - 1)
      const isWatched = [...this.#watches].some((each) => each.process === process && each.partition === partition)
      if (!isWatched) this.#begin(process, partition)
    }
  }

  /** Lets the settled world go on until every watch has shown all, and ends them. */
  async close(): Promise<void> {
    for (let step = 0; step < MOST_STEPS && this.#late().length > 0; step++) await this.#world.step()
    for (const { name, counts } of this.#late()) {
      this.#problems.push(`${name} ends at ${JSON.stringify([...counts])}`)
    }
    this.#end.abort()
    await Promise.all(this.#watching)
  }

  /** Those that have not shown what there is. */
  #late(): Watch[] {
    return [...this.#watches].filter(({ process, partition, counts }) => {
      if (process.process.crashed) return false
      const keys = KEYS.filter((key) => partitionOf(key) === partition)
      return keys.some((key) => this.#orders.count(key, Infinity) !== (counts.get(key) ?? 0))
    })
  }

  #begin(process: RunningProcess, partition: number): void {
    const store = this.#random.pick(['counts', 'totals'])
    const name = `the watch of ${store} ${partition} in ${process.process.name}`
    const watch: Watch = { name, process, partition, counts: new Map() }
    this.#watches.add(watch)
    const watching: Promise<void> = this.#follow(watch, store).finally(() => {
      this.#watches.delete(watch)
      this.#watching.delete(watching)
    })
    this.#watching.add(watching)
  }

  async #follow({ name, process, partition, counts }: Watch, store: string): Promise<void> {
    const { streams } = process
    if (streams === undefined) return
    const { signal } = this.#end
    const at = this.#positions.get(partition)
    const view = streams.store<KeyValueView<string, number | { readonly count: number }>>(store)
    try {
      for await (const row of view.watch({ partition, signal, timeout: 0, ...(at === undefined ? {} : { at }) })) {
        if (process.process.crashed) return
        const { key, value: found = 0, position } = row
        const count = typeof found === 'object' ? found.count : found
        const offset = position['orders']?.[partition] ?? 0
        const expected = this.#orders.count(key, offset)
        this.changes++
        this.#positions.set(partition, further(this.#positions.get(partition), position, partition))
        if (count === expected && count >= (counts.get(key) ?? 0)) counts.set(key, count)
        else
          this.#problems.push(
            `${name} shows ${count} of ${key} after ${counts.get(key)}, not ${expected}, by ${offset}`,
          )
      }
    } catch (error) {
      if (signal.aborted || process.process.crashed) return
      const isRefusal = error instanceof MillraceError && /^MR_QUERY|^MR_CLOSED$/.test(error.code)
      if (!isRefusal) this.#problems.push(`${name} fails: ${error instanceof Error ? error.stack : String(error)}`)
    }
  }
}

function further(seen: Position | undefined, shown: Position, partition: number): Position {
  const offsetIn = (position: Position | undefined): number => position?.['orders']?.[partition] ?? 0
  return seen !== undefined && offsetIn(seen) > offsetIn(shown) ? seen : shown
}
