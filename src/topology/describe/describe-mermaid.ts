import type { Topology } from '../topology.ts'

/**
 * Describes the topology as a Mermaid flowchart: a box per sub-topology, topics between, stores beside processors.
 *
 * @example
 * ```ts
 * await writeFile('topology.mmd', describeMermaid(app.topology()))
 * ```
 */
export function describeMermaid(topology: Topology): string {
  const ids = new IdBook()
  const inside: string[] = []
  const outside: string[] = []
  for (const { id, global, nodes, stores } of topology.subtopologies) {
    inside.push(`  subgraph sub${id}["Sub-topology ${id}${global ? ' (global)' : ''}"]`)
    for (const node of nodes) {
      inside.push(`    ${ids.of('n', node.name)}["${node.name}"]`)
      if (node.kind !== 'source') {
        for (const parent of node.parents) outside.push(`  ${ids.of('n', parent)} --> ${ids.of('n', node.name)}`)
      }
      if (node.kind === 'source') {
        for (const topic of node.topics) outside.push(`  ${ids.of('t', topic)} --> ${ids.of('n', node.name)}`)
      }
      if (node.kind === 'sink' && typeof node.topic === 'string') {
        outside.push(`  ${ids.of('n', node.name)} --> ${ids.of('t', node.topic)}`)
      }
      if (node.kind === 'processor') {
        for (const store of node.stores) outside.push(`  ${ids.of('n', node.name)} --- ${ids.of('s', store)}`)
      }
    }
    for (const store of stores) inside.push(`    ${ids.of('s', store)}[("${store}")]`)
    inside.push('  end')
  }
  const topics = ids.all('t').map(([topic, id]) => `  ${id}(["${topic}"])`)
  return ['flowchart TD', ...topics, ...inside, ...outside, ''].join('\n')
}

/** Ids for names, which hold characters that Mermaid does not take in ids. */
class IdBook {
  readonly #ids = new Map<string, Map<string, string>>()

  of(prefix: string, name: string): string {
    let names = this.#ids.get(prefix)
    if (names === undefined) this.#ids.set(prefix, (names = new Map()))
    let id = names.get(name)
    if (id === undefined) names.set(name, (id = `${prefix}${names.size}`))
    return id
  }

  all(prefix: string): [name: string, id: string][] {
    return [...(this.#ids.get(prefix) ?? [])]
  }
}
