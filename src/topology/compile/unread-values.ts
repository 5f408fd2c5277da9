import type { OperatorSpec } from '../operator-spec.ts'
import type { WrittenNode } from './topology-writer.ts'

/** Operators that hand on the value that they are given, or nothing. */
const handsOn: ReadonlySet<OperatorSpec['op']> = new Set([
  'filter',
  'selectKey',
  'peek',
  'passThrough',
  'branch',
  'repartitionFilter',
])

/**
 * What of the values in repartition topics, whose bytes are this application's own, anybody looks at. A count asks only whether there
 * is a value. Nobody can tell then whether it was serialized anew or copied from the record that it came with, either.
 */
export class UnreadValues {
  readonly #nodes: ReadonlyMap<string, WrittenNode>
  /** Names of repartition topics whose values nobody looks at. */
  readonly #topics = new Set<string>()

  constructor(
    nodes: ReadonlyMap<string, WrittenNode>,
    children: ReadonlyMap<string, readonly string[]>,
    internalTopics: { has(topic: string): boolean },
  ) {
    this.#nodes = nodes
    for (const node of nodes.values()) {
      if (node.kind !== 'source' || !node.topics.every((topic) => internalTopics.has(topic))) continue
      const readers = children.get(node.name) ?? []
      if (readers.length === 0 || !readers.every((reader) => this.#counts(reader))) continue
      for (const topic of node.topics) this.#topics.add(topic)
    }
  }

  /** True if the source's records are asked only whether they have a value. */
  at(source: { readonly topics: readonly string[] }): boolean {
    return source.topics.every((topic) => this.#topics.has(topic))
  }

  /** True if the sink may write the bytes of the input record's value in place of the value. */
  mayCopy(sink: WrittenNode & { readonly kind: 'sink' }): boolean {
    if (typeof sink.topic !== 'string' || !this.#topics.has(sink.topic)) return false
    return sink.parents.every((parent) => this.#handsOnFromSource(parent, sink.valueSerde))
  }

  #handsOnFromSource(name: string, valueSerde: unknown): boolean {
    const node = this.#nodes.get(name)
    if (node?.kind === 'source') return node.valueSerde === valueSerde && !this.at(node)
    if (node?.kind !== 'processor' || !handsOn.has(node.operator.op)) return false
    return node.parents.every((parent) => this.#handsOnFromSource(parent, valueSerde))
  }

  #counts(name: string): boolean {
    const node = this.#nodes.get(name)
    if (node?.kind !== 'processor') return false
    const { operator } = node
    return 'folding' in operator && operator.folding.kind === 'count'
  }
}
