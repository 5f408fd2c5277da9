import { MillraceError } from '../errors/millrace-error.ts'
import { REPLAY_OF } from '../record/dead-letter-headers.ts'
import type { Headers } from '../record/headers.ts'
import { partitionForKey } from '../record/murmur2.ts'
import type { InputTopic } from './inputs.ts'
import { letterId } from './letter-id.ts'
import { readLetterHeaders } from './letter-headers.ts'
import type { DeadLetterOrigin } from './letter.ts'
import { encodePatch, patchedHeaders, type DeadLetterPatch, type EncodedPatch } from './patch.ts'
import type { StoredRecord } from './stored-record.ts'

/** A record that a replay writes. */
export interface DeadLetterReplay {
  /** Id of the dead letter. */
  readonly id: string
  /** Where the record goes. */
  readonly topic: string
  readonly partition: number
  /** That of the input record, ms since the epoch. */
  readonly timestamp: number
  readonly headers: Headers
  readonly key: Buffer | null
  readonly value: Buffer | null
}

/** What is known of the topics that records may go back to. */
export interface ReplayTargets {
  readonly inputs: ReadonlyMap<string, InputTopic>
  /** Further topics that the caller allows. */
  readonly to: ReadonlySet<string>
  /** Returns the number of partitions; `undefined` if there is no such topic. */
  partitions(topic: string): Promise<number | undefined>
}

/**
 * Makes of a dead letter the record that its input record was, changed by a patch.
 *
 * @throws MR_DEAD_LETTER_INVALID if the record is no dead letter, or the input record was not kept;
 * MR_DEAD_LETTER_ORIGIN if it must not go back; MR_TOPIC_UNKNOWN if its topic is gone; MR_DEAD_LETTER_PATCH
 */
export async function replayedRecord(
  letter: StoredRecord,
  patch: DeadLetterPatch,
  targets: ReplayTargets,
): Promise<DeadLetterReplay> {
  const { topic: letters, partition: lettersPartition, offset } = letter
  const place = { topic: letters, partition: lettersPartition, offset }
  const known = readLetterHeaders(letter.headers, letter.timestamp)
  if (typeof known === 'string') {
    throw new MillraceError('MR_DEAD_LETTER_INVALID', `the record is no dead letter: ${known}`, {
      ...place,
      hint: 'Only what an error handler put aside can be replayed.',
    })
  }
  const { origin, original } = known
  const topic = requireTarget(origin, targets, place)
  const input = targets.inputs.get(topic)
  const changed = encodePatch(patch, origin, input, place)
  const key = changed.key === undefined ? letter.key : changed.key
  const value = changed.value === undefined ? letter.value : changed.value
  if (key === null && value === null) throw nothingToReplay(place)
  const partitions = await targets.partitions(topic)
  if (partitions === undefined) {
    throw new MillraceError('MR_TOPIC_UNKNOWN', `the topic "${topic}", from which the record came, does not exist`, {
      ...place,
      hint: 'Create the topic again, or leave the dead letter where it is.',
    })
  }
  const id = letterId(place)
  return {
    id,
    topic,
    partition: partitionOf(origin, changed, key, partitions, input),
    timestamp: origin.timestamp,
    headers: patchedHeaders(original, changed.headers).remove(REPLAY_OF).add(REPLAY_OF, id),
    key,
    value,
  }
}

type Place = Pick<StoredRecord, 'topic' | 'partition' | 'offset'>

function requireTarget({ topic }: DeadLetterOrigin, { inputs, to }: ReplayTargets, place: Place): string {
  if (topic === null) {
    throw new MillraceError('MR_DEAD_LETTER_ORIGIN', 'the dead letter has no input record: a punctuator failed', {
      ...place,
      hint: 'There is nothing to replay. What the punctuator works on is in its stores.',
    })
  }
  if (inputs.has(topic) || to.has(topic)) return topic
  throw new MillraceError('MR_DEAD_LETTER_ORIGIN', `the application does not read the topic "${topic}"`, {
    ...place,
    hint: 'Replay it with the application that reads the topic, or name the topic in `to` (`--to`).',
  })
}

/** A dead letter has neither if its input record was gone when an output that came from it was refused. */
function nothingToReplay(place: Place): MillraceError {
  return new MillraceError('MR_DEAD_LETTER_INVALID', 'the dead letter has neither key nor value', {
    ...place,
    hint: 'The input record was no longer in its topic. Give key and value by a patch.',
  })
}

/** Returns the partition that the record came from, or that of its key if that partition is gone or the key is new. */
function partitionOf(
  origin: DeadLetterOrigin,
  { key: newKey }: EncodedPatch,
  key: Buffer | null,
  partitions: number,
  input: InputTopic | undefined,
): number {
  if (origin.partition < partitions && newKey === undefined) return origin.partition
  if (key === null) return origin.partition % partitions
  return partitionForKey(key, 0, key.length - (input?.keySerde.partitionSuffix ?? 0), partitions)
}
