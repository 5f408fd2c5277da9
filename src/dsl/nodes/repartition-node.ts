import { validateName } from '../../topology/names.ts'
import { newRepartition, repartitionNode } from '../../topology/graph/repartition.ts'
import type { StreamHandle } from '../handles/handles.ts'
import { REPARTITION, operatorOptions } from '../options/option-tables.ts'
import type { RepartitionStreamOptions } from '../options/operator-options.ts'

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
