import { Writer, createAPI, type Reader } from '@platformatic/kafka'
import type {
  EndpointPartitions,
  Status,
  Subtopology,
  TaskIds,
  TaskLists,
  TopicInfo,
  TopicPartitions,
} from './streams-group-types.ts'
import { readEndpoint, writeEndpoint } from './user-endpoint.ts'

/** Fields of a heartbeat with epoch 0. Later heartbeats must leave them out. */
export interface JoinFields {
  readonly rebalanceTimeoutMs: number
  readonly processId: string
  readonly topologyEpoch: number
  readonly subtopologies: readonly Subtopology[]
}

export interface StreamsGroupHeartbeat {
  readonly groupId: string
  readonly memberId: string
  /** 0 joins, -1 leaves. */
  readonly memberEpoch: number
  /** The epoch of the endpoints that the member knows; -1 if it knows none. */
  readonly endpointEpoch: number
  readonly join: JoinFields | undefined
  /** `HOST:PORT`; `undefined` if it has not changed. Every change of it begins a new epoch of the group. */
  readonly endpoint: string | undefined
  /** All tasks that the member owns; `undefined` if they have not changed. */
  readonly tasks: TaskLists | undefined
  readonly shutdownApplication: boolean
}

export interface StreamsGroupHeartbeatResponse {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly memberEpoch: number
  readonly heartbeatIntervalMs: number
  /** All current statuses; `undefined`, from brokers before 4.3, if they have not changed. */
  readonly status: readonly Status[] | undefined
  /** All tasks that the member is to own; `undefined` if they have not changed. */
  readonly tasks: TaskLists | undefined
  readonly endpointEpoch: number
  /** All members that have an endpoint; `undefined` if the epoch is the one that the member knows. */
  readonly endpoints: readonly EndpointPartitions[] | undefined
}

/** StreamsGroupHeartbeat v0 (KIP-1071). */
export const streamsGroupHeartbeat = createAPI<[StreamsGroupHeartbeat], StreamsGroupHeartbeatResponse>(
  88,
  0,
  writeRequest,
  (_correlationId, _apiKey, _apiVersion, reader) => readResponse(reader),
)

function writeRequest(request: StreamsGroupHeartbeat): Writer {
  const { join, endpoint, tasks } = request
  const writer = Writer.create()
    .appendString(request.groupId)
    .appendString(request.memberId)
    .appendInt32(request.memberEpoch)
    .appendInt32(request.endpointEpoch)
    .appendString(null) // instance id: static membership is refused
    .appendString(null) // rack id
    .appendInt32(join?.rebalanceTimeoutMs ?? -1)
  if (join === undefined) {
    writer.appendInt8(-1)
  } else {
    writer.appendInt8(1).appendInt32(join.topologyEpoch)
    writer.appendArray(join.subtopologies.slice(), writeSubtopology).appendTaggedFields()
  }
  writeTaskList(writer, tasks?.active)
  writeTaskList(writer, tasks?.standby)
  writeTaskList(writer, tasks?.warmup)
  writer.appendString(join?.processId)
  if (endpoint === undefined) writer.appendInt8(-1)
  else writeEndpoint(writer.appendInt8(1), endpoint)
  return writer
    .appendArray(join === undefined ? null : [], () => undefined) // client tags
    .appendArray(null, () => undefined) // task offsets
    .appendArray(null, () => undefined) // task end offsets
    .appendBoolean(request.shutdownApplication)
    .appendTaggedFields()
}

function writeSubtopology(writer: Writer, subtopology: Subtopology): void {
  writer
    .appendString(subtopology.subtopologyId)
    .appendArray(subtopology.sourceTopics.slice(), writeString, true, false)
    .appendArray([], writeString, true, false) // regular expressions of source topics
    .appendArray(subtopology.changelogTopics.slice(), writeTopicInfo)
    .appendArray(subtopology.repartitionSinkTopics.slice(), writeString, true, false)
    .appendArray(subtopology.repartitionSourceTopics.slice(), writeTopicInfo)
    .appendArray(subtopology.copartitionGroups.slice(), (w, group) => {
      w.appendArray(group.sourceTopics.slice(), writeInt16, true, false)
        .appendArray([], writeInt16, true, false)
        .appendArray(group.repartitionSourceTopics.slice(), writeInt16, true, false)
    })
}

function writeTopicInfo(writer: Writer, topic: TopicInfo): void {
  writer
    .appendString(topic.name)
    .appendInt32(topic.partitions)
    .appendInt16(topic.replicationFactor)
    .appendArray(topic.configs.slice(), (w, [name, value]) => w.appendString(name).appendString(value))
}

function writeTaskList(writer: Writer, tasks: readonly TaskIds[] | undefined): void {
  writer.appendArray(tasks?.slice(), (w, { subtopologyId, partitions }) => {
    w.appendString(subtopologyId).appendArray(
      partitions.slice(),
      (v, partition) => v.appendInt32(partition),
      true,
      false,
    )
  })
}

function writeString(writer: Writer, value: string): void {
  writer.appendString(value)
}

function writeInt16(writer: Writer, value: number): void {
  writer.appendInt16(value)
}

function readResponse(reader: Reader): StreamsGroupHeartbeatResponse {
  reader.readInt32() // throttle time
  const errorCode = reader.readInt16()
  const errorMessage = reader.readNullableString()
  reader.readString() // member id
  const memberEpoch = reader.readInt32()
  const heartbeatIntervalMs = reader.readInt32()
  reader.readInt32() // acceptable recovery lag
  reader.readInt32() // task offset interval
  const status = reader.readNullableArray((r) => ({ code: r.readInt8(), detail: r.readString() }))
  const active = reader.readNullableArray(readTaskIds)
  const standby = reader.readNullableArray(readTaskIds)
  const warmup = reader.readNullableArray(readTaskIds)
  const endpointEpoch = reader.readInt32()
  const endpoints = reader.readNullableArray(readEndpointPartitions)
  const hasTasks = active !== null || standby !== null || warmup !== null
  return {
    errorCode,
    errorMessage,
    memberEpoch,
    heartbeatIntervalMs,
    status: status ?? undefined,
    tasks: hasTasks ? { active: active ?? [], standby: standby ?? [], warmup: warmup ?? [] } : undefined,
    endpointEpoch,
    endpoints: endpoints ?? undefined,
  }
}

function readEndpointPartitions(reader: Reader): EndpointPartitions {
  return {
    endpoint: readEndpoint(reader),
    active: reader.readArray(readTopicPartitions),
    standby: reader.readArray(readTopicPartitions),
  }
}

function readTopicPartitions(reader: Reader): TopicPartitions {
  return { topic: reader.readString(), partitions: reader.readArray((r) => r.readInt32(), true, false) }
}

export function readTaskIds(reader: Reader): TaskIds {
  return { subtopologyId: reader.readString(), partitions: reader.readArray((r) => r.readInt32(), true, false) }
}
