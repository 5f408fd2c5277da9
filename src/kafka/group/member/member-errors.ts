import { MillraceError } from '../../../errors/millrace-error.ts'
import type { ErrorPlace } from '../../../errors/millrace-error.ts'
import type { GroupOptions } from '../../../group/group.ts'
import type { Cluster } from '../../cluster/cluster.ts'
import { KafkaError, kafkaErrors } from '../../protocol/errors.ts'

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

/** Another client has joined under the name of this static member. */
export function twinTookOver({ groupId, instanceId }: Pick<GroupOptions, 'groupId' | 'instanceId'>): MillraceError {
  return new MillraceError('MR_FENCED', `another client took over the instance id ${instanceId} in group ${groupId}`, {
    hint: 'A newer instance with the same instance id is running; this one must stop.',
  })
}

/**
 * Once these members have stopped, the group takes the new topology by itself.
 *
 * @param liveMembers who runs the other topology
 * @param tool Kafka's own that lists the members of such groups
 */
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
    { hint: `Stop them (${command} lists who is left), then start this one: offsets and stores are kept.` },
  )
}

/** The group is of another kind than the member that asks. */
export function isForeignCode(apiCode: number): boolean {
  return apiCode === kafkaErrors.groupIdNotFound || apiCode === kafkaErrors.inconsistentGroupProtocol
}

/** @param apiCode one of `isForeignCode` */
export function foreignGroup(groupId: string, apiCode: number, text?: string): MillraceError {
  const cause = new KafkaError(apiCode, `joining group ${groupId}`, { text })
  return new MillraceError(
    'MR_GROUP_PROTOCOL',
    `group ${groupId} is in use by another kind of consumer (${text ?? cause.apiName})`,
    {
      cause,
      hint: 'Stop its members, or choose another application id; an empty group of the consumer protocol must be deleted first.',
    },
  )
}

/**
 * Once these members are gone the group takes the protocol that was refused.
 *
 * @param members whom the group has
 */
export function foreignMembers(groupId: string, members: readonly string[], cause: MillraceError): MillraceError {
  return new MillraceError(
    'MR_GROUP_PROTOCOL',
    `group ${groupId} is in use by another kind of consumer: ${members.toSorted().join(', ')}`,
    {
      cause,
      hint: 'Stop them, or choose another application id. One that was closed without leaving the group, as Kafka Streams is, or killed, counts until its session ends (session.timeout.ms, 45 s by default).',
    },
  )
}
