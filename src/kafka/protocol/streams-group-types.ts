/** Task partitions by sub-topology, as the streams group protocol writes them. */
export interface TaskIds {
  readonly subtopologyId: string
  readonly partitions: readonly number[]
}

export interface TaskLists {
  readonly active: readonly TaskIds[]
  readonly standby: readonly TaskIds[]
  readonly warmup: readonly TaskIds[]
}

export interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly number[]
}

/** The tasks of a member that has an endpoint, as partitions of the topics that they read. */
export interface EndpointPartitions {
  /** `HOST:PORT` */
  readonly endpoint: string
  readonly active: readonly TopicPartitions[]
  readonly standby: readonly TopicPartitions[]
}

export interface TopicInfo {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly configs: readonly (readonly [name: string, value: string])[]
}

export interface Subtopology {
  readonly subtopologyId: string
  readonly sourceTopics: readonly string[]
  readonly changelogTopics: readonly TopicInfo[]
  readonly repartitionSinkTopics: readonly string[]
  readonly repartitionSourceTopics: readonly TopicInfo[]
  /** Indices into `sourceTopics` and `repartitionSourceTopics`. */
  readonly copartitionGroups: readonly CopartitionGroup[]
}

export interface CopartitionGroup {
  readonly sourceTopics: readonly number[]
  readonly repartitionSourceTopics: readonly number[]
}

/** Codes of `Status` that a member acts on (KIP-1071; StreamsGroupHeartbeatResponse). */
export const groupStatus = {
  missingSourceTopics: 1,
  incorrectlyPartitionedTopics: 2,
  missingInternalTopics: 3,
  shutdownApplication: 4,
} as const

export interface Status {
  readonly code: number
  readonly detail: string
}
