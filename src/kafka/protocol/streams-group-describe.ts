import { Writer, createAPI, type Reader } from '@platformatic/kafka'
import { readTaskIds } from './streams-group-heartbeat.ts'
import type { TaskLists, TopicInfo } from './streams-group-types.ts'
import { readEndpoint } from './user-endpoint.ts'

export interface DescribedMember {
  readonly memberId: string
  readonly memberEpoch: number
  readonly instanceId: string | undefined
  readonly clientId: string
  readonly clientHost: string
  readonly processId: string
  /** `HOST:PORT` */
  readonly endpoint: string | undefined
  /** Tasks that the member may own now, without those that it must revoke. */
  readonly assignment: TaskLists
  readonly targetAssignment: TaskLists
}

export interface DescribedSubtopology {
  readonly subtopologyId: string
  readonly sourceTopics: readonly string[]
  readonly repartitionSinkTopics: readonly string[]
  readonly changelogTopics: readonly TopicInfo[]
  readonly repartitionSourceTopics: readonly TopicInfo[]
}

export interface DescribedStreamsGroup {
  readonly errorCode: number
  readonly errorMessage: string | null
  readonly groupId: string
  /** Empty, NotReady, Assigning, Reconciling, Stable or Dead. */
  readonly state: string
  readonly groupEpoch: number
  readonly assignmentEpoch: number
  readonly topologyEpoch: number | undefined
  /** Sub-topologies with the coordinator's partition counts; `undefined` while topics are missing or mispartitioned. */
  readonly subtopologies: readonly DescribedSubtopology[] | undefined
  readonly members: readonly DescribedMember[]
}

/** StreamsGroupDescribe v0 (KIP-1071). */
export const streamsGroupDescribe = createAPI<[groupIds: string[]], readonly DescribedStreamsGroup[]>(
  89,
  0,
  (groupIds: string[]) =>
    Writer.create()
      .appendArray(groupIds, (w, id) => w.appendString(id), true, false)
      .appendBoolean(false)
      .appendTaggedFields(),
  (_correlationId, _apiKey, _apiVersion, reader) => {
    reader.readInt32() // throttle time
    return reader.readArray(readGroup)
  },
)

function readGroup(reader: Reader): DescribedStreamsGroup {
  const errorCode = reader.readInt16()
  const errorMessage = reader.readNullableString()
  const groupId = reader.readString()
  const state = reader.readString()
  const groupEpoch = reader.readInt32()
  const assignmentEpoch = reader.readInt32()
  const topology = reader.readNullableStruct(() => {
    const epoch = reader.readInt32()
    const subtopologies = reader.readNullableArray(readSubtopology)
    reader.readTaggedFields()
    return { epoch, subtopologies }
  })
  const members = reader.readArray(readMember)
  reader.readInt32() // authorized operations
  return {
    errorCode,
    errorMessage,
    groupId,
    state,
    groupEpoch,
    assignmentEpoch,
    topologyEpoch: topology?.epoch,
    subtopologies: topology?.subtopologies ?? undefined,
    members,
  }
}

function readSubtopology(reader: Reader): DescribedSubtopology {
  return {
    subtopologyId: reader.readString(),
    sourceTopics: reader.readArray((r) => r.readString(), true, false),
    repartitionSinkTopics: reader.readArray((r) => r.readString(), true, false),
    changelogTopics: reader.readArray(readTopicInfo),
    repartitionSourceTopics: reader.readArray(readTopicInfo),
  }
}

function readTopicInfo(reader: Reader): TopicInfo {
  return {
    name: reader.readString(),
    partitions: reader.readInt32(),
    replicationFactor: reader.readInt16(),
    configs: reader.readArray((r): readonly [string, string] => [r.readString(), r.readString()]),
  }
}

function readMember(reader: Reader): DescribedMember {
  const memberId = reader.readString()
  const memberEpoch = reader.readInt32()
  const instanceId = reader.readNullableString() ?? undefined
  reader.readNullableString() // rack id
  const clientId = reader.readString()
  const clientHost = reader.readString()
  reader.readInt32() // topology epoch
  const processId = reader.readString()
  const endpoint = reader.readNullableStruct(() => readEndpoint(reader)) ?? undefined
  reader.readArray((r) => void (r.readString(), r.readString())) // client tags
  reader.readArray(skipTaskOffset)
  reader.readArray(skipTaskOffset)
  const assignment = readTaskLists(reader)
  const targetAssignment = readTaskLists(reader)
  reader.readBoolean() // is classic
  const about = { memberId, memberEpoch, instanceId, clientId, clientHost, processId, endpoint }
  return { ...about, assignment, targetAssignment }
}

function skipTaskOffset(reader: Reader): void {
  reader.readString()
  reader.readInt32()
  reader.readInt64()
}

function readTaskLists(reader: Reader): TaskLists {
  const active = reader.readArray(readTaskIds)
  const standby = reader.readArray(readTaskIds)
  const warmup = reader.readArray(readTaskIds)
  reader.readTaggedFields()
  return { active, standby, warmup }
}
