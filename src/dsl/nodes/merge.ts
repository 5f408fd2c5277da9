import type { StreamHandle } from '../handles/handles.ts'
import { NAMED, operatorOptions } from '../options/option-tables.ts'
import type { Named } from '../options/operator-options.ts'
import { processorNode } from './stream-operator.ts'

export function merge(stream: StreamHandle, other: StreamHandle, options: Named = {}): StreamHandle {
  operatorOptions(NAMED, options, 'merge()')
  const name = stream.graph.names.orNext(options.name, 'KSTREAM-MERGE-')
  const node = processorNode(name, { merges: true }, () => ({ op: 'passThrough' }))
  stream.graph.add([stream.node, other.node], node)
  return {
    graph: stream.graph,
    name,
    node,
    keySerde: stream.keySerde === other.keySerde ? stream.keySerde : undefined,
    valueSerde: stream.valueSerde === other.valueSerde ? stream.valueSerde : undefined,
    sources: new Set([...stream.sources, ...other.sources]),
    repartition: stream.repartition || other.repartition,
  }
}
