import { traitsOf } from '../operator-spec.ts'
import type { WrittenNode } from './topology-writer.ts'

/**
 * The repartition topics whose values nothing reads: their bytes are this application's own, and a count asks only
 * whether there is a value. A value may then be copied from the record that it came with instead of serialized.
 */
export class UnreadValues {
  readonly #nodes: ReadonlyMap<string, WrittenNode>
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
      if (readers.length === 0 || !readers.every((reader) => this.#ignoresValue(reader))) continue
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
    if (node?.kind !== 'processor' || !traitsOf(node.operator).keepsValue) return false
    return node.parents.every((parent) => this.#handsOnFromSource(parent, valueSerde))
  }

  #ignoresValue(name: string): boolean {
    const node = this.#nodes.get(name)
    return node?.kind === 'processor' && !traitsOf(node.operator).readsValue
  }
}
