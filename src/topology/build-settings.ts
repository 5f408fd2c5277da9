import type { Serde } from '../serde/serde.ts'

/** Optimizations, by their names in Kafka Streams' `topology.optimization` (KIP-295, KIP-862). */
export type Optimization = 'reuse.ktable.source.topics' | 'merge.repartition.topics' | 'single.store.self.join'

export const OPTIMIZATIONS: readonly Optimization[] = [
  'reuse.ktable.source.topics',
  'merge.repartition.topics',
  'single.store.self.join',
]

/** What the build of a topology must know of the application. Times in ms. */
export interface BuildSettings {
  readonly optimizations: ReadonlySet<Optimization>
  /** True: gives the results of Kafka Streams 4.3 where the default differs. */
  readonly compatible: boolean
  /** True: refuses stores and repartition topics without a name of their own. */
  readonly strictNaming: boolean
  readonly defaultKeySerde: Serde<unknown> | undefined
  readonly defaultValueSerde: Serde<unknown> | undefined
  /** Added to the retention of a windowed store for its changelog topic. */
  readonly windowStoreChangelogAdditionalRetention: number
  /** Configs of all internal topics; those of a store itself win. */
  readonly topicConfigs: Readonly<Record<string, string>>
}

export const DEFAULT_BUILD_SETTINGS: BuildSettings = {
  optimizations: new Set(),
  compatible: false,
  strictNaming: false,
  defaultKeySerde: undefined,
  defaultValueSerde: undefined,
  windowStoreChangelogAdditionalRetention: 86_400_000,
  topicConfigs: {},
}
