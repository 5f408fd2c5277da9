import { createOperator } from '../../operators/create/create-operator.ts'
import type { Operator } from '../../operators/operator.ts'
import { traitsOf } from '../../topology/operator-spec.ts'
import type { SourceNode, Subtopology, TopologyNode } from '../../topology/topology.ts'
import { NewRecordOutput, NodeOutput, type NodeFailure } from '../node/node-output.ts'
import type { SourceBinding } from '../input/partition-queue.ts'
import type { RecordWriter } from '../output/record-writer.ts'
import type { RefusedRecords } from '../failures/refused-records.ts'
import { SinkOperator } from './sink-operator.ts'
import { NodeContext, type TaskContexts } from '../node/task-context.ts'
import { presenceSerde } from './presence-serde.ts'
import type { CurrentInput } from '../input/current-input.ts'
import type { TaskTraces } from '../traces/task-traces.ts'

/** Topics of this application's own carry its id. */
export function fullTopicName(applicationId: string, topic: string, internal: boolean): string {
  return internal ? `${applicationId}-${topic}` : topic
}

export function sourceTopics(applicationId: string, node: SourceNode): string[] {
  return node.topics.map((topic) => fullTopicName(applicationId, topic, node.internal))
}

/** The running operators of a task and how records enter them. */
export interface Wiring {
  /** In the order of the nodes: the order in which they are initialised. */
  readonly operators: readonly Operator[]
  /** By full topic name. */
  readonly sources: ReadonlyMap<string, SourceBinding>
  readonly outputs: readonly NodeOutput[]
}

/** Makes an operator for every node and connects them. Nothing is initialised yet. */
export function wire(
  subtopologies: readonly Subtopology[],
  contexts: TaskContexts,
  writer: RecordWriter,
  refused: RefusedRecords,
  current: CurrentInput,
  failed: NodeFailure,
  traces: TaskTraces | undefined,
): Wiring {
  const nodes = subtopologies.flatMap((subtopology) => subtopology.nodes)
  const operators = new Map<string, Operator>()
  for (const node of nodes) {
    const operator = operatorOf(node, contexts, writer, refused, current, traces)
    if (operator !== undefined) operators.set(node.name, operator)
  }
  // Kafka Streams reads global tables with the timestamps that records bring.
  const ignored = new Set(
    contexts.settings.compatible ? subtopologies.filter(({ global }) => global).flatMap((s) => s.nodes) : [],
  )
  const sources = new Map<string, SourceBinding>()
  const outputs: NodeOutput[] = []
  for (const node of nodes) {
    const Output = contexts.settings.compatible && makesRecords(node) ? NewRecordOutput : NodeOutput
    const output = new Output(node.name, failed, contexts.counters.nodes)
    outputs.push(output)
    for (const child of childrenOf(node)) output.add(child, operators.get(child) as Operator)
    const operator = operators.get(node.name)
    if (operator !== undefined) {
      operator.output = output
      operator.context = new NodeContext(node.name, node.kind === 'processor' ? node.stores : [], contexts)
    }
    if (node.kind !== 'source') continue
    const valueSerde = node.readsValue ? node.valueSerde : presenceSerde(node.valueSerde)
    for (const topic of sourceTopics(contexts.applicationId, node)) {
      sources.set(topic, {
        node: node.name,
        index: contexts.counters.nodes.indexOf(node.name),
        output,
        keySerde: node.keySerde,
        valueSerde,
        extractor: node.internal || ignored.has(node) ? undefined : node.timestampExtractor,
      })
    }
  }
  return { operators: [...operators.values()], sources, outputs }
}

function operatorOf(
  node: TopologyNode,
  contexts: TaskContexts,
  writer: RecordWriter,
  refused: RefusedRecords,
  current: CurrentInput,
  traces: TaskTraces | undefined,
): Operator | undefined {
  if (node.kind === 'processor') return createOperator(node.operator)
  if (node.kind === 'source') return undefined
  const topic =
    typeof node.topic === 'string' ? fullTopicName(contexts.applicationId, node.topic, node.internal) : node.topic
  return new SinkOperator(node, topic, writer, refused, current, contexts.counters.nodes, traces)
}

function makesRecords(node: TopologyNode): boolean {
  return node.kind === 'processor' && traitsOf(node.operator).makesRecord
}

function childrenOf(node: TopologyNode): readonly string[] {
  return node.kind === 'sink' ? [] : node.children
}
