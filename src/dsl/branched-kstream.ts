import { topologyError } from '../topology/topology-error.ts'
import { builtAtOnce, erased } from './options/functions.ts'
import type { KStream } from './kstream.ts'
import { NAMED, operatorOptions } from './options/option-tables.ts'
import { addBranch, type SplitHandle } from './nodes/split.ts'
import type { Wrap } from './wrap.ts'
import { func, type TableOf } from '../options/options.ts'

/** Options of a branch (Kafka Streams' `Branched`). */
export interface BranchOptions<K, V> {
  /** Suffix of the branch's name, after that of the split. Default: its position from 1; 0 for the default branch. */
  readonly name?: string
  /**
   * Builds on the branch. The map of branches holds the stream that it returns under the branch's name; if it returns
   * none, the branch is left out.
   */
  readonly use?: (branch: KStream<K, V>) => KStream<K, V> | null | undefined | void
}

const USE = 'the function `use` of a branch'

/** The options of a branch. */
const BRANCH = {
  ...NAMED,
  use: func({ description: 'what is done with the branch' }),
} satisfies TableOf<BranchOptions<unknown, unknown>>

/** A stream being split; ends with `defaultBranch` or `noDefaultBranch` (Kafka Streams' `BranchedKStream`, KIP-418). */
export class BranchedKStream<K, V> {
  readonly #split: SplitHandle
  readonly #wrap: Wrap
  readonly #branches = new Map<string, KStream<K, V>>()
  #ended = false

  private constructor(split: SplitHandle, wrap: Wrap) {
    this.#split = split
    this.#wrap = wrap
  }

  /** @internal */
  static of<K, V>(split: SplitHandle, wrap: Wrap): BranchedKStream<K, V> {
    return new BranchedKStream(split, wrap)
  }

  /**
   * Adds a branch: the records for which this predicate holds, and no earlier one.
   *
   * @throws MR_TOPOLOGY_SPLIT after the default branch
   */
  branch(predicate: (value: V, key: K) => boolean, options: BranchOptions<K, V> = {}): this {
    operatorOptions(BRANCH, options, 'branch()')
    this.#add(erased(predicate, 'the predicate of branch()'), options)
    return this
  }

  /** Adds a branch of all other records. Returns the branches by name. @throws MR_TOPOLOGY_SPLIT after the end */
  defaultBranch(options: BranchOptions<K, V> = {}): ReadonlyMap<string, KStream<K, V>> {
    operatorOptions(BRANCH, options, 'defaultBranch()')
    this.#add(null, options)
    this.#ended = true
    return this.#branches
  }

  /** Drops the records for which no predicate holds. Returns the branches by name. */
  noDefaultBranch(): ReadonlyMap<string, KStream<K, V>> {
    this.#ended = true
    return this.#branches
  }

  #add(predicate: ((...args: unknown[]) => boolean) | null, { name, use }: BranchOptions<K, V>): void {
    if (this.#ended) {
      throw topologyError(
        'MR_TOPOLOGY_SPLIT',
        'a branch was added after the default branch',
        'Add all branches before defaultBranch() or noDefaultBranch().',
        this.#split.name,
      )
    }
    const handle = addBranch(this.#split, predicate, name)
    const branch = this.#wrap.stream<K, V>(handle)
    const result = use === undefined ? branch : builtAtOnce(erased(use, USE)(branch), USE)
    if (result !== null && result !== undefined) this.#branches.set(handle.name, result)
  }
}
