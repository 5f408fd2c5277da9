import type { TopologyNode } from '../../data/topology.ts'

/** Operators as the methods that users call are named, where the topology has another name. */
const OPERATORS: Readonly<Record<string, string>> = {
  async: 'async call',
  branch: 'split',
  foreignKeyAnswer: 'foreign key',
  foreignKeyNotify: 'foreign key',
  foreignKeyReceive: 'foreign key',
  foreignKeyResolve: 'foreign key',
  foreignKeySubscribe: 'foreign key',
  globalProcess: 'process',
  globalTableSource: 'global table',
  joinWindow: 'join window',
  passThrough: 'merge',
  periodAggregate: 'windowed aggregate',
  repartitionFilter: 'to repartition',
  sessionAggregate: 'sessions',
  slidingAggregate: 'sliding windows',
  streamGlobalTableJoin: 'join',
  streamJoin: 'join',
  streamSelfJoin: 'join',
  streamTableJoin: 'join',
  tableAggregate: 'aggregate',
  tableFilter: 'filter',
  tableGroupBy: 'group by',
  tableJoin: 'join',
  tableJoinMerge: 'merge join',
  tableMapValues: 'map values',
  tableReduce: 'reduce',
  tableSource: 'table',
  tableToStream: 'to stream',
  tableTransformValues: 'transform values',
  windowAggregate: 'windowed aggregate',
}

/** Names that are made of the operator and a number say nothing else. */
const GENERATED = /^K(?:STREAM|TABLE)-.+-\d{10}$/

export function operatorText(operator: string): string {
  return OPERATORS[operator] ?? operator.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`)
}

/** Returns what a node is called in the picture. */
export function titleOf(node: TopologyNode): string {
  if (node.kind === 'source') return node.topics?.join(', ') ?? node.name
  if (node.kind === 'sink') return node.topic ?? 'chosen by record'
  return GENERATED.test(node.name) ? operatorText(node.operator ?? '') : node.name
}

/** Returns the second line of a node: its generated name, or what a named one does. */
export function subtitleOf(node: TopologyNode): string {
  const isNamed = node.kind === 'processor' && !GENERATED.test(node.name)
  return isNamed ? operatorText(node.operator ?? '') : node.name.replace(/-0{1,9}(\d+)$/, '-$1')
}
