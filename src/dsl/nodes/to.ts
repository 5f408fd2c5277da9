import type { StreamPartitioner, TopicExtractor } from '../../topology/topology.ts'
import { GraphNode } from '../../topology/graph/graph-node.ts'
import { validateName } from '../../topology/names.ts'
import { requiredSerde } from '../../topology/required-serde.ts'
import type { StreamHandle } from '../handles/handles.ts'
import type { Serde } from '../../serde/serde.ts'
import { SINK, operatorOptions } from '../options/option-tables.ts'
import type { Named } from '../options/operator-options.ts'

interface ErasedSinkOptions extends Named {
  readonly key?: Serde<unknown>
  readonly value?: Serde<unknown>
  readonly partitioner?: StreamPartitioner
}

export function to(stream: StreamHandle, topic: string | TopicExtractor, options: ErasedSinkOptions = {}): void {
  operatorOptions(SINK, options, 'to()')
  if (typeof topic === 'string') validateName(topic)
  const name = stream.graph.names.orNext(options.name, 'KSTREAM-SINK-')
  const node = new GraphNode(name, {}, (writer, self) => {
    const purpose = typeof topic === 'string' ? `the topic "${topic}"` : 'the topics written to'
    writer.addSink({
      name,
      topic,
      keySerde: requiredSerde(writer.settings, 'key', options.key ?? stream.keySerde, name, purpose),
      valueSerde: requiredSerde(writer.settings, 'value', options.value ?? stream.valueSerde, name, purpose),
      partitioner: options.partitioner,
      parents: self.parentNames(),
    })
  })
  stream.graph.add(stream.node, node)
}
