import { MillraceError } from '../../errors.ts'
import type { ErrorPlace } from '../../errors.ts'
import { KafkaError } from '../protocol/errors.ts'

/** Whether what failed may succeed later: only the end of the session ends a membership. */
export function isPassing(error: unknown): boolean {
  return error instanceof KafkaError
    ? error.retriable
    : error instanceof MillraceError && error.code === 'MR_LOG_UNREACHABLE'
}

export function asMillraceError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error
  const text = error instanceof Error ? error.message : String(error)
  return new MillraceError('MR_INTERNAL', `group membership failed: ${text}`, { cause: error })
}

/** @param what begins the message: `this client is not a member` */
export function fencedMember(what: string, groupId: string, place: ErrorPlace = {}): MillraceError {
  return new MillraceError('MR_FENCED', `${what} of group ${groupId} any more`, {
    ...place,
    hint: 'Its tasks belong to other members by now; the client joins anew by itself.',
  })
}

/** @param liveMembers who runs the other topology; empty if nobody does any more */
export function topologyChanged(groupId: string, liveMembers: string): MillraceError {
  return new MillraceError('MR_TOPOLOGY_CHANGED', `group ${groupId} keeps another topology than this application has`, {
    hint:
      liveMembers === ''
        ? 'Start again: the group has no members any more.'
        : `Stop the members that run the old one (${liveMembers}), then start again: the offsets stay.`,
  })
}

export function foreignGroup(groupId: string, text: string | undefined): MillraceError {
  return new MillraceError('MR_GROUP_PROTOCOL', `group ${groupId} is in use by another kind of consumer (${text})`, {
    hint: 'Stop its members, or choose another application id; an empty group of the consumer protocol must be deleted first.',
  })
}
