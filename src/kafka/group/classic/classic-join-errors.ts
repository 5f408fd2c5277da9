import { MillraceError } from '../../../errors/millrace-error.ts'
import { KafkaError, kafkaErrors } from '../../protocol/errors.ts'
import { foreignGroup } from '../member/member-errors.ts'

const groupMaxSizeReached = 81

/** Returns the error of a refusal that joining again does not heal, if it can say more than the broker does. */
export function joinError(errorCode: number, groupId: string, sessionTimeout: number): MillraceError | undefined {
  switch (errorCode) {
    case kafkaErrors.inconsistentGroupProtocol:
      return foreignGroup(groupId, errorCode)
    case kafkaErrors.invalidSessionTimeout:
      return new MillraceError('MR_CONFIG', `the brokers refuse a sessionTimeout of ${sessionTimeout} ms`, {
        hint: 'Choose one between group.min.session.timeout.ms and group.max.session.timeout.ms of the brokers.',
      })
    case groupMaxSizeReached:
      return new MillraceError('MR_CONFIG', `group ${groupId} has as many members as the brokers allow`, {
        hint: 'Start fewer threads or instances, or raise group.max.size of the brokers.',
      })
    case kafkaErrors.groupAuthorizationFailed:
      return new KafkaError(errorCode, `joining group ${groupId}`, {
        needs: { group: [groupId, 'Read'] },
        hint: `Give this user the permission Read on the group ${groupId}.`,
      })
    default:
      return undefined
  }
}
