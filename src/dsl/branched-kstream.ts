import { topologyError } from '../topology/topology-error.ts'
import { builtAtOnce, erased } from './options/functions.ts'
import type { KStream } from './kstream.ts'
import { NAMED, operatorOptions } from './options/option-tables.ts'
import { addBranch, type SplitHandle } from './nodes/split.ts'
import type { Wrap } from './wrap.ts'
import { func, type TableOf } from '../options/options.ts'

/** What the function `use` of a branch may return. */
type Used = KStream<unknown, unknown> | null | undefined | void

/** Options of a branch (Kafka Streams' `Branched`). */
export interface BranchOptions<K, V, Name extends string = string, R extends Used = Used> {
  /** Suffix of the branch's name, after that of the split. Default: its position from 1; 0 for the default branch. */
  readonly name?: Name
  /**
   * Builds on the branch. The map of branches holds the stream that it returns under the branch's name; if it returns
   * none, the branch is left out.
   */
  readonly use?: (branch: KStream<K, V>) => R
}

/** The branches of a split by their names, which the compiler knows if split and branches were named by literals. */
export interface Branches<Streams extends object> extends Omit<
  ReadonlyMap<keyof Streams & string, NonNullable<Streams[keyof Streams]>>,
  'get'
> {
  get<Name extends keyof Streams & string>(name: Name): Streams[Name]
}

/** A branch that was declared: its name, and what the map has under it. */
type Branch = readonly [name: string, stream: unknown]

/** The streams of the branches by name, without those of which `use` returned none. */
type StreamsOf<Declared extends Branch> = {
  [B in Declared as B[1] extends null | undefined | void ? never : B[0]]: StreamOf<B[0], B[1]>
}

/** Undefined is a possible answer if the name is known by its pattern alone, or if `use` sometimes returns none. */
type StreamOf<Name extends string, R> =
  | Exclude<R, null | undefined | void>
  | ([R] extends [KStream<unknown, unknown>] ? ({} extends Record<Name, unknown> ? undefined : never) : undefined)

/** The name of a branch that is given none. */
type Ordinal<Declared extends readonly Branch[]> = `${[...Declared, unknown]['length'] & number}`

const USE = 'the function `use` of a branch'

/** The options of a branch. */
const BRANCH = {
  ...NAMED,
  use: func({ description: 'what is done with the branch' }),
} satisfies TableOf<BranchOptions<unknown, unknown>>

/**
 * A stream being split; ends with `defaultBranch` or `noDefaultBranch` (Kafka Streams' `BranchedKStream`, KIP-418). `V`
 * is what no branch has taken yet.
 */
export class BranchedKStream<K, V, Prefix extends string = string, Declared extends readonly Branch[] = readonly []> {
  readonly #split: SplitHandle
  readonly #wrap: Wrap
  readonly #branches = new Map<string, KStream<unknown, unknown>>()
  #ended = false

  private constructor(split: SplitHandle, wrap: Wrap) {
    this.#split = split
    this.#wrap = wrap
  }

  /** @internal */
  static of<K, V, Prefix extends string>(split: SplitHandle, wrap: Wrap): BranchedKStream<K, V, Prefix> {
    return new BranchedKStream(split, wrap)
  }

  /**
   * Adds a branch: the records for which this predicate holds, and no earlier one. A type guard narrows the type of
   * this branch, and that of those after it.
   *
   * @throws MR_TOPOLOGY_SPLIT after the default branch
   */
  branch<S extends V, Name extends string = Ordinal<Declared>, R extends Used = KStream<K, S>>(
    predicate: (value: V, key: K) => value is S,
    options?: BranchOptions<K, S, Name, R>,
  ): BranchedKStream<K, Exclude<V, S>, Prefix, readonly [...Declared, readonly [`${Prefix}${Name}`, R]]>
  branch<Name extends string = Ordinal<Declared>, R extends Used = KStream<K, V>>(
    predicate: (value: V, key: K) => boolean,
    options?: BranchOptions<K, V, Name, R>,
  ): BranchedKStream<K, V, Prefix, readonly [...Declared, readonly [`${Prefix}${Name}`, R]]>
  branch(predicate: (value: V, key: K) => boolean, options: BranchOptions<K, never> = {}): unknown {
    operatorOptions(BRANCH, options, 'branch()')
    this.#add(erased(predicate, 'the predicate of branch()'), options)
    return this
  }

  /** Adds a branch of all other records. Returns the branches by name. @throws MR_TOPOLOGY_SPLIT after the end */
  defaultBranch<Name extends string = '0', R extends Used = KStream<K, V>>(
    options: BranchOptions<K, V, Name, R> = {},
  ): Branches<StreamsOf<Declared[number] | readonly [`${Prefix}${Name}`, R]>> {
    operatorOptions(BRANCH, options, 'defaultBranch()')
    this.#add(null, options)
    return this.#end()
  }

  /** Drops the records for which no predicate holds. Returns the branches by name. */
  noDefaultBranch(): Branches<StreamsOf<Declared[number]>> {
    return this.#end()
  }

  /** The types of the branches are those that the calls of `branch` have added up. */
  #end<B extends Branch>(): Branches<StreamsOf<B>> {
    this.#ended = true
    return this.#branches as ReadonlyMap<string, unknown> as Branches<StreamsOf<B>>
  }

  #add(predicate: ((...args: unknown[]) => boolean) | null, { name, use }: BranchOptions<K, never>): void {
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
