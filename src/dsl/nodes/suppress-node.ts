import type { SuppressBufferSpec } from '../../topology/store-spec.ts'
import { GraphNode } from '../../topology/graph/graph-node.ts'
import { inputIsVersioned } from '../../topology/graph/versioned.ts'
import { validateName } from '../../topology/names.ts'
import { requiredInternalSerde } from '../../topology/required-serde.ts'
import { shapedSpec } from '../../topology/store-shape.ts'
import { topologyError } from '../../topology/topology-error.ts'
import type { TableHandle } from '../handles/handles.ts'
import { SUPPRESS, operatorOptions } from '../options/option-tables.ts'
import type { SuppressOptions } from '../options/operator-options.ts'
import type { Suppressed } from '../options/suppressed.ts'
import { SuppressOrigin, enableOldValues } from '../handles/table-origins.ts'

export function suppress(
  table: TableHandle,
  suppressed: Suppressed<never>,
  options: SuppressOptions = {},
): TableHandle {
  operatorOptions(SUPPRESS, options, 'suppress()')
  const { graph, keySerde, valueSerde, sources } = table
  if (table.node.traits.versioned === true) throw versionedTable(table.name)
  const name = options.name === undefined ? graph.names.next('KTABLE-SUPPRESS-') : validateName(options.name)
  const close = suppressed.kind === 'windowClose' ? windowCloseAbove(table.node, name) : undefined
  const generated = options.name === undefined
  const store = generated ? graph.names.nextStore('KTABLE-SUPPRESS-') : `${name}-store`
  const origin = new SuppressOrigin(table, store)
  enableOldValues(table, true)

  const node = new GraphNode(name, { versioned: false }, (writer, self) => {
    if (inputIsVersioned(self)) throw versionedTable(name)
    const { kind: mode, limit, maxRecords, maxBytes, whenFull } = suppressed
    writer.addProcessor(
      name,
      {
        op: 'suppress',
        store,
        mode,
        wait: close?.delay ?? limit,
        windowSize: close?.size ?? 0,
        inclusiveEnd: close?.inclusiveEnd ?? false,
        maxRecords,
        maxBytes,
        whenFull,
      },
      self.parentNames(),
    )
    const purpose = `the store "${store}"`
    const spec: SuppressBufferSpec = {
      kind: 'suppress',
      name: store,
      keySerde: requiredInternalSerde(writer.settings, 'key', keySerde, name, purpose),
      ...shapedSpec(store, requiredInternalSerde(writer.settings, 'value', valueSerde, name, purpose), table.shape),
      persistent: false,
      logging: options.logging === false ? false : typeof options.logging === 'object' ? options.logging : {},
      caching: false,
    }
    writer.addStore(spec, generated, name)
  })
  graph.add(table.node, node)
  return { graph, name, node, keySerde, valueSerde, sources, origin, sendsOldValues: false }
}

type WindowClose = NonNullable<GraphNode['traits']['windowClose']>

/** Finds how the windows above close. Every path up must lead to windows; the latest close counts. */
function windowCloseAbove(node: GraphNode, suppressName: string): WindowClose {
  const own = node.traits.windowClose
  if (own !== undefined) return own
  let latest: WindowClose | undefined
  for (const parent of node.parents) {
    const close = windowCloseAbove(parent, suppressName)
    if (latest === undefined || close.delay > latest.delay) latest = close
  }
  if (latest !== undefined) return latest
  throw topologyError(
    'MR_TOPOLOGY_NOT_WINDOWED',
    'suppress(untilWindowCloses()) on a table that is not windowed',
    'Aggregate in windows first, by windowedBy(…), or use untilTimeLimit(…).',
    suppressName,
  )
}

function versionedTable(node: string): Error {
  return topologyError(
    'MR_TOPOLOGY_VERSIONED',
    'suppress() on a versioned table',
    'Suppress tables that are not versioned. Tables derived from a versioned one are versioned, too.',
    node,
  )
}
