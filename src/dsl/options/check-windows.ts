import type { BuildSettings } from '../../topology/build-settings.ts'
import { topologyError } from '../../topology/topology-error.ts'
import type { AggregationWindows } from '../../windowing/windows.ts'

const KINDS: readonly AggregationWindows['kind'][] = [
  'tumbling',
  'hopping',
  'sliding',
  'session',
  'unlimited',
  'period',
]

/**
 * @throws MR_TOPOLOGY_WINDOWS for anything but windows, which plain JavaScript lets through, and under `compatibility`
 * for windows that Kafka Streams does not have
 */
export function checkWindows(windows: AggregationWindows, settings: BuildSettings): void {
  if (!KINDS.includes(windows?.kind)) {
    throw topologyError(
      'MR_TOPOLOGY_WINDOWS',
      'windowedBy() without windows for aggregations',
      'Give tumbling(…), hopping(…), sliding(…), session(…), calendar(…), windowsOf(…) or unlimited(…).',
    )
  }
  if (windows.kind === 'period' && settings.compatible) {
    throw topologyError(
      'MR_TOPOLOGY_WINDOWS',
      'windows of the calendar, or of your own, under compatibility: Kafka Streams has none',
      'Leave out `compatibility`, or use tumbling(…) or hopping(…) windows.',
    )
  }
}
