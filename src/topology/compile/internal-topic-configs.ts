import type { StoreSpec } from '../store-spec.ts'
import type { BuildSettings } from '../build-settings.ts'

export type TopicConfigs = readonly (readonly [name: string, value: string])[]

/** Versions are deleted this much later than the store forgets them: a restoring store must find them all. */
const VERSIONED_COMPACTION_SLACK_MS = 86_400_000

/** Configs of a repartition topic, sorted by name: unlimited retention, as its readers purge it. */
export function repartitionTopicConfigs(settings: BuildSettings): TopicConfigs {
  return sorted({
    'cleanup.policy': 'delete',
    'message.timestamp.type': 'CreateTime',
    'retention.ms': '-1',
    'segment.bytes': '52428800',
    ...settings.topicConfigs,
  })
}

/** Configs of a changelog topic, sorted by name: defaults of its kind < the application's < the store's own. */
export function changelogTopicConfigs(spec: StoreSpec, settings: BuildSettings): TopicConfigs {
  return sorted({
    'message.timestamp.type': 'CreateTime',
    ...defaultsOf(spec, settings),
    ...settings.topicConfigs,
    ...(spec.logging === false ? {} : spec.logging),
  })
}

function defaultsOf(spec: StoreSpec, settings: BuildSettings): Record<string, string> {
  switch (spec.kind) {
    case 'window':
    case 'period':
    case 'session': {
      const keepsDuplicates = spec.kind === 'window' && spec.retainDuplicates
      return {
        'cleanup.policy': keepsDuplicates ? 'delete' : 'compact,delete',
        'retention.ms': String(
          Math.min(spec.retention + settings.windowStoreChangelogAdditionalRetention, Number.MAX_SAFE_INTEGER),
        ),
      }
    }
    case 'versioned':
      return {
        'cleanup.policy': 'compact',
        'min.compaction.lag.ms': String(spec.historyRetention + VERSIONED_COMPACTION_SLACK_MS),
      }
    default:
      return { 'cleanup.policy': 'compact' }
  }
}

function sorted(configs: Readonly<Record<string, string>>): TopicConfigs {
  return Object.entries(configs).toSorted(([a], [b]) => (a < b ? -1 : 1))
}
