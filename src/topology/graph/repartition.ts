import { requiredInternalSerde } from '../required-serde.ts'
import { validateName, type NameGenerator } from '../names.ts'
import type { TopologyWriter } from '../compile/topology-writer.ts'
import { GraphNode, type NodeRole, type RepartitionBody, type WriteNode } from './graph-node.ts'

export const REPARTITION_SUFFIX = '-repartition'

const GENERATED_BASE = /^KSTREAM.*-\d{10}$/

export type RepartitionOptions = Pick<RepartitionBody, 'keySerde' | 'valueSerde'> &
  Partial<Pick<RepartitionBody, 'partitioner' | 'partitions' | 'group'>>

/** Draws the three numbers of a repartition. Its nodes are named by them only if the base is a generated name. */
export function newRepartition(names: NameGenerator, base: string, options: RepartitionOptions): RepartitionBody {
  const topic = base.endsWith(REPARTITION_SUFFIX) ? base : base + REPARTITION_SUFFIX
  const sink = names.next('KSTREAM-SINK-')
  const filter = names.next('KSTREAM-FILTER-')
  const source = names.next('KSTREAM-SOURCE-')
  const generatedName = GENERATED_BASE.test(base)
  return {
    topic: validateName(topic),
    generatedName: GENERATED_BASE.test(topic.slice(0, -REPARTITION_SUFFIX.length)),
    sink: generatedName ? sink : `${topic}-sink`,
    filter: generatedName ? filter : `${topic}-filter`,
    source: generatedName ? source : `${topic}-source`,
    keySerde: options.keySerde,
    valueSerde: options.valueSerde,
    partitioner: options.partitioner,
    partitions: options.partitions ?? 0,
    group: options.group,
  }
}

/** Makes a node that may be merged with others of the same key change, or one that the user asked for. */
export function repartitionNode(kind: 'optimizable' | 'explicit', body: RepartitionBody): GraphNode {
  const role: NodeRole =
    kind === 'optimizable' ? { kind: 'optimizableRepartition', body } : { kind: 'explicitRepartition' }
  const write: WriteNode = (writer, node) => writeRepartition(writer, node, body)
  return new GraphNode(body.source, { role }, write, body.group?.trace)
}

function writeRepartition(writer: TopologyWriter, node: GraphNode, body: RepartitionBody): void {
  writer.addInternalTopic(body.topic, body.partitions, body.generatedName)
  const purpose = `the repartition topic "${body.topic}"`
  const asker = body.group?.name ?? body.sink
  const keySerde = requiredInternalSerde(writer.settings, 'key', body.keySerde, asker, purpose)
  const valueSerde = requiredInternalSerde(writer.settings, 'value', body.valueSerde, asker, purpose)
  const dropNullKeys = !leadsToRelaxedJoin(node)
  writer.addProcessor(body.filter, { op: 'repartitionFilter', dropNullKeys }, node.parentNames())
  writer.addSink({
    name: body.sink,
    topic: body.topic,
    keySerde,
    valueSerde,
    partitioner: body.partitioner,
    parents: [body.filter],
  })
  writer.addInternalSource({ name: body.source, topics: [body.topic], keySerde, valueSerde })
}

/** True if null keys must pass: they have no partition, but a left or outer join emits them all the same. */
function leadsToRelaxedJoin(node: GraphNode, seen = new Set<GraphNode>()): boolean {
  for (const child of node.children) {
    if (seen.has(child)) continue
    seen.add(child)
    if (child.traits.relaxedNullKeys === true || leadsToRelaxedJoin(child, seen)) return true
  }
  return false
}
