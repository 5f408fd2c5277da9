import type { OperatorSpec } from '../../topology/operator-spec.ts'
import type { FixedKeyProcessorSupplier, ProcessorSupplier } from '../../topology/processor-api.ts'
import { GraphNode } from '../../topology/graph/graph-node.ts'
import { validateName } from '../../topology/names.ts'
import type { StreamHandle } from '../handles/handles.ts'
import { PROCESS, operatorOptions } from '../options/option-tables.ts'
import type { ProcessOptions } from '../options/operator-options.ts'
import { streamAfter } from './stream-operator.ts'

export function process(
  stream: StreamHandle,
  supplier: ProcessorSupplier<unknown, unknown, unknown, unknown>,
  options: ProcessOptions = {},
): StreamHandle {
  operatorOptions(PROCESS, options, 'process()')
  const name = nameOf(stream, options.name, 'KSTREAM-PROCESSOR-')
  const node = addProcessor(stream, name, options, (stores) => ({ op: 'process', supplier, stores }))
  return streamAfter(stream, node, { key: false, value: false })
}

export function processValues(
  stream: StreamHandle,
  supplier: FixedKeyProcessorSupplier<unknown, unknown, unknown>,
  options: ProcessOptions = {},
): StreamHandle {
  operatorOptions(PROCESS, options, 'processValues()')
  const name = nameOf(stream, options.name, 'KSTREAM-PROCESSVALUES-')
  const node = addProcessor(stream, name, options, (stores) => ({ op: 'processValues', supplier, stores }))
  return streamAfter(stream, node, { key: true, value: false })
}

/** Unlike other operators, these draw no number when they are named. */
function nameOf(stream: StreamHandle, name: string | undefined, prefix: string): string {
  return name === undefined ? stream.graph.names.next(prefix) : validateName(name)
}

function addProcessor(
  stream: StreamHandle,
  name: string,
  options: ProcessOptions,
  operator: (stores: readonly string[]) => OperatorSpec,
): GraphNode {
  const stores = options.stores ?? []
  const storeNames = stores.map((store) => (typeof store === 'string' ? store : store.name))
  const node = new GraphNode(name, {}, (writer, self) => {
    writer.addProcessor(name, operator(storeNames), self.parentNames())
    for (const store of stores) {
      if (typeof store === 'string') writer.connect(name, store)
      else writer.addStore(store, false, name)
    }
  })
  stream.graph.add(stream.node, node)
  return node
}
