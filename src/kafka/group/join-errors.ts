import { MillraceError } from '../../errors.ts'
import { KafkaError, kafkaErrors } from '../protocol/errors.ts'
import type { StreamsGroupHeartbeatResponse } from '../protocol/streams-group-heartbeat.ts'

/** The error of a heartbeat that repeating or joining anew does not heal. */
export function fatalGroupError(
  groupId: string,
  reply: StreamsGroupHeartbeatResponse,
  liveMembers: string,
): MillraceError {
  const { errorCode, errorMessage } = reply
  const text = errorMessage ?? undefined
  if (isTopologyChange(reply)) {
    return new MillraceError(
      'MR_TOPOLOGY_CHANGED',
      `group ${groupId} keeps another topology than this application has`,
      {
        hint:
          liveMembers === ''
            ? 'Start again: the group has no members any more.'
            : `Stop the members that run the old one (${liveMembers}), then start again: the offsets stay.`,
      },
    )
  }
  switch (errorCode) {
    case kafkaErrors.groupIdNotFound:
    case kafkaErrors.inconsistentGroupProtocol:
      return new MillraceError(
        'MR_GROUP_PROTOCOL',
        `group ${groupId} is in use by another kind of consumer (${text})`,
        {
          hint: 'Stop its members, or choose another application id; an empty group of the consumer protocol must be deleted first.',
        },
      )
    case kafkaErrors.unsupportedVersion:
      return new MillraceError('MR_GROUP_PROTOCOL', `the brokers refuse the streams group protocol (${text})`, {
        hint: 'Run kafka-features.sh upgrade --feature streams.version=1.',
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
