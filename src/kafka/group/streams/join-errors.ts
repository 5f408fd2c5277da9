import { MillraceError } from '../../../errors/millrace-error.ts'
import { KafkaError, kafkaErrors } from '../../protocol/errors.ts'
import type { StreamsGroupHeartbeatResponse } from '../../protocol/streams-group-heartbeat.ts'
import { foreignGroup } from '../member/member-errors.ts'

/** Returns the error of a heartbeat that neither repetition nor joining again heals. The application reads `topics`. */
export function fatalGroupError(
  groupId: string,
  { errorCode, errorMessage }: StreamsGroupHeartbeatResponse,
  topics: readonly string[],
): MillraceError {
  const text = errorMessage ?? undefined
  switch (errorCode) {
    case kafkaErrors.groupIdNotFound:
    case kafkaErrors.inconsistentGroupProtocol:
      return foreignGroup(groupId, errorCode, text)
    case kafkaErrors.unsupportedVersion:
      return new MillraceError('MR_GROUP_PROTOCOL', `the brokers refuse the streams group protocol (${text})`, {
        cause: new KafkaError(errorCode, `heartbeat of group ${groupId}`, { text }),
        hint: "Run kafka-features.sh upgrade --feature streams.version=1, or choose groupProtocol: 'classic'.",
      })
    case kafkaErrors.streamsInvalidTopology:
      return new MillraceError('MR_TOPOLOGY_INVALID', `the group coordinator refuses the topology (${text})`, {
        hint: 'Check the names of the topics.',
      })
    case kafkaErrors.topicAuthorizationFailed:
      // The coordinator does not say which one, so the error names all of them.
      return new KafkaError(errorCode, `joining group ${groupId}`, {
        text: [text, `its topics are ${topics.join(', ')}`].filter(Boolean).join('; '),
        needs: { topic: 'Describe' },
        topic: topics.length === 1 ? topics[0] : undefined,
        hint:
          'Give this user the permissions Describe and Read on these topics, ' +
          `and Describe, Create, Read and Write on topics that begin with ${groupId}-.`,
      })
    default:
      return new KafkaError(errorCode, `heartbeat of group ${groupId}`, { text, needs: { group: [groupId, 'Read'] } })
  }
}

/** Whether the topology has changed. Only the text of an invalid request says so. */
export function isTopologyChange({ errorCode, errorMessage }: StreamsGroupHeartbeatResponse): boolean {
  return errorCode === kafkaErrors.invalidRequest && /topology updates/i.test(errorMessage ?? '')
}
