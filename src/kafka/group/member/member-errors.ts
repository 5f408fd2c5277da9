import { MillraceError, type ErrorPlace } from '../../../errors/millrace-error.ts'
import type { MemberOptions } from '../../../group/group.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { KafkaError, kafkaErrors } from '../../protocol/errors.ts'

/** Whether what failed may succeed later. Such errors end no membership: only the end of the session does. */
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

/** @param what the beginning of the message: `this client is not a member` */
export function fencedMember(what: string, groupId: string, place: ErrorPlace = {}): MillraceError {
  return new MillraceError('MR_FENCED', `${what} of group ${groupId} any more`, {
    ...place,
    hint: 'Its tasks belong to other members by now. The client joins again by itself.',
  })
}

/** Returns the error of a static member under whose instance id another client has joined. */
export function twinTookOver({ groupId, instanceId }: Pick<MemberOptions, 'groupId' | 'instanceId'>): MillraceError {
  return new MillraceError('MR_FENCED', `another client took over the instance id ${instanceId} in group ${groupId}`, {
    hint: 'A newer instance with the same instance id is running. This one must stop.',
  })
}

/** Returns the error of a member whose topology the group takes once `liveMembers` have gone. `tool` lists those. */
export function topologyChanged(
  cluster: Pick<Cluster, 'options'>,
  groupId: string,
  liveMembers: readonly string[],
  tool: 'kafka-streams-groups.sh' | 'kafka-consumer-groups.sh',
): MillraceError {
  const names = liveMembers.toSorted().join(', ')
  const [broker] = cluster.options.brokers
  const command = `${tool} --bootstrap-server ${broker?.host}:${broker?.port} --describe --group ${groupId} --members`
  return new MillraceError(
    'MR_TOPOLOGY_CHANGED',
    `members of group ${groupId} run another topology than this application: ${names}`,
    { hint: `Stop them (${command} lists those that are left), then start this one. Offsets and stores are kept.` },
  )
}

/** Whether an error says that the group is of another kind than the member. */
export function isForeignCode(apiCode: number): boolean {
  return apiCode === kafkaErrors.groupIdNotFound || apiCode === kafkaErrors.inconsistentGroupProtocol
}

/** @param apiCode a code for which `isForeignCode` is true */
export function foreignGroup(groupId: string, apiCode: number, text?: string): MillraceError {
  const cause = new KafkaError(apiCode, `joining group ${groupId}`, { text })
  return new MillraceError(
    'MR_GROUP_PROTOCOL',
    `group ${groupId} is in use by another kind of consumer (${text ?? cause.apiName})`,
    {
      cause,
      hint:
        'Stop its members, or choose another application id. ' +
        'An empty group of the consumer protocol must be deleted first.',
    },
  )
}

/** Returns the error of a member that waits for `members` of another kind. The group takes it once they have gone. */
export function foreignMembers(groupId: string, members: readonly string[], cause: MillraceError): MillraceError {
  return new MillraceError(
    'MR_GROUP_PROTOCOL',
    `group ${groupId} is in use by another kind of consumer: ${members.toSorted().join(', ')}`,
    {
      cause,
      hint:
        'Stop them, or choose another application id. A member counts until its session ends (session.timeout.ms, ' +
        '45 s by default) if it was killed, or closed without leaving the group, as Kafka Streams is.',
    },
  )
}
