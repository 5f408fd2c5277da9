import { MillraceError } from '../../errors.ts'
import { KafkaError, kafkaErrors } from '../protocol/errors.ts'
import type { StreamsGroupHeartbeatResponse } from '../protocol/streams-group-heartbeat.ts'
import { foreignGroup, topologyChanged } from './member-errors.ts'

/** The error of a heartbeat that repeating or joining anew does not heal. */
export function fatalGroupError(
  groupId: string,
  reply: StreamsGroupHeartbeatResponse,
  liveMembers: string,
): MillraceError {
  const { errorCode, errorMessage } = reply
  const text = errorMessage ?? undefined
  if (isTopologyChange(reply)) return topologyChanged(groupId, liveMembers)
  switch (errorCode) {
    case kafkaErrors.groupIdNotFound:
    case kafkaErrors.inconsistentGroupProtocol:
      return foreignGroup(groupId, text)
    case kafkaErrors.unsupportedVersion:
      return new MillraceError('MR_GROUP_PROTOCOL', `the brokers refuse the streams group protocol (${text})`, {
        cause: new KafkaError(errorCode, `heartbeat of group ${groupId}`, { text }),
        hint: "Run kafka-features.sh upgrade --feature streams.version=1, or choose groupProtocol: 'classic'.",
      })
    case kafkaErrors.streamsInvalidTopology:
      return new MillraceError('MR_TOPOLOGY_INVALID', `the group coordinator refuses the topology (${text})`, {
        hint: 'Check the names of the topics.',
      })
    default:
      return new KafkaError(errorCode, `heartbeat of group ${groupId}`, { text })
  }
}

/** The only trace of a changed topology is the text of an invalid request. */
export function isTopologyChange({ errorCode, errorMessage }: StreamsGroupHeartbeatResponse): boolean {
  return errorCode === kafkaErrors.invalidRequest && /topology updates/i.test(errorMessage ?? '')
}
