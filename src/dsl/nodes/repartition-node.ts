import type { StreamPartitioner } from '../../topology/topology.ts'
import { validateName } from '../../topology/names.ts'
import { newRepartition, repartitionNode } from '../../topology/graph/repartition.ts'
import type { StreamHandle } from '../handles/handles.ts'
import { REPARTITION, operatorOptions } from '../options/operator-options.ts'
import type { Named, SerdeOptions } from '../options/store-options.ts'

/** Options of `repartition` (Kafka Streams' `Repartitioned`, KIP-221). `name` also names the topic. */
export interface RepartitionStreamOptions<K, V> extends Named, SerdeOptions<K, V> {
  /** Number of partitions of the topic; if not given, that of the topics the stream comes from. */
  readonly partitions?: number
  /** Which partition a record is written to; by its key if not given. Streams joined with this one must be partitioned alike. */
  readonly partitioner?: StreamPartitioner
}

export function repartition(
  stream: StreamHandle,
  options: RepartitionStreamOptions<unknown, unknown> = {},
): StreamHandle {
  const { partitions = 0, partitioner } = operatorOptions(REPARTITION, options, 'repartition()')
  const { graph } = stream
  const base = options.name === undefined ? graph.names.next('KSTREAM-REPARTITION-') : validateName(options.name)
  const keySerde = options.key ?? stream.keySerde
  const valueSerde = options.value ?? stream.valueSerde
  const node = repartitionNode(
    'explicit',
    newRepartition(graph.names, base, {
      keySerde,
      valueSerde,
      partitions,
      ...(partitioner === undefined ? {} : { partitioner }),
    }),
  )
  graph.add(stream.node, node)
  return { graph, name: node.name, node, keySerde, valueSerde, sources: new Set([node.name]), repartition: false }
}
