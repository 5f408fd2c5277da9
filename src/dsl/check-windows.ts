import { topologyError } from '../topology/topology-error.ts'
import type { AggregationWindows } from '../windowing/index.ts'

const KINDS: readonly AggregationWindows['kind'][] = ['tumbling', 'hopping', 'sliding', 'session', 'unlimited']

/** @throws MR_TOPOLOGY_WINDOWS for anything but windows: plain JavaScript is not checked by a compiler */
export function checkWindows(windows: AggregationWindows): void {
  if (KINDS.includes(windows?.kind)) return
  throw topologyError(
    'MR_TOPOLOGY_WINDOWS',
    'windowedBy() without windows for aggregations',
    'give tumbling(…), hopping(…), sliding(…), session(…) or unlimited(…)',
  )
}
