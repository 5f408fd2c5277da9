import { randomUUID } from 'node:crypto'
import type { Application } from '../application/application.ts'
import { isMillraceError, MillraceError } from '../errors/millrace-error.ts'
import { PartitionMap, type CommittedOffset, type Log, type LogClient, type LogReader } from '../log/log.ts'
import { readRange, type PartitionRange } from '../log/read-range.ts'
import { describeRefusal, refusalHint, type AppendOrigin } from '../log/refusal.ts'
import { show } from '../options/option.ts'
import { flag, nested, option, readOptions, type TableOf } from '../options/options.ts'
import { RecordSlice } from '../record/record-slice.ts'
import { inputsOf } from './inputs.ts'
import { letterId, parseLetterId, type RecordPlace } from './letter-id.ts'
import { readLetterHeaders } from './letter-headers.ts'
import { findMarked, markedOffset, markOf, OffsetSet } from './marks.ts'
import { PATCH, type DeadLetterPatch } from './patch.ts'
import { storedRecord, type StoredRecord } from './stored-record.ts'
import { replayedRecord, type DeadLetterReplay, type ReplayTargets } from './replayed-record.ts'
import { partitionsOfLetters } from './topic-of-letters.ts'

/** Dead letters of one transaction, and their bytes, at most. */
const BATCH = 500
const BATCH_BYTES = 4 << 20

/** Options of `replayDeadLetters`. */
export interface ReplayDeadLettersOptions {
  /** Changes of the record. A key or value is for one dead letter only. */
  readonly patch?: DeadLetterPatch
  /** True: writes nothing, and returns what would be written. */
  readonly dryRun?: boolean
  /** True: replays a dead letter that has been replayed already. */
  readonly again?: boolean
  /** Topics that records may go back to besides those that the application reads. */
  readonly to?: readonly string[]
}

/** The options of `replayDeadLetters`. */
export const REPLAY_DEAD_LETTERS = {
  patch: nested(PATCH, { description: 'changes of the record' }),
  dryRun: flag({ default: false, description: 'write nothing' }),
  again: flag({ default: false, description: 'replay what has been replayed already' }),
  to: option<readonly string[]>(
    'names of topics',
    { default: [], description: 'topics that records may go back to besides those that the application reads' },
    (value, place) => {
      if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value
      throw place.refuse(value, 'Give a list of names of topics.')
    },
  ),
} satisfies TableOf<ReplayDeadLettersOptions>

/** Options with their defaults. */
type ReplayChoice = Required<ReplayDeadLettersOptions>

/**
 * Writes the records of dead letters to the topics that they came from, for the application to process again: with the
 * key, value, headers and timestamp that they had, in the partition in which they were, and with the header
 * `millrace.replay-of`, the id of the dead letter. The dead letter stays where it is. A mark behind it, written in the
 * same transaction, says that it has been replayed, and a second replay is refused.
 *
 * Everything is checked before anything is written. Records are written in the order of their dead letters, up to 500
 * in a transaction. A second replay of the same application that begins meanwhile ends this one.
 *
 * @param ids ids of dead letters: `rejected-0-17`
 * @returns what was written, or would be, in the order of the log
 * @throws MR_DEAD_LETTER_UNKNOWN if there is no record with an id; MR_DEAD_LETTER_INVALID if one is no dead letter;
 * MR_DEAD_LETTER_REPLAYED; MR_DEAD_LETTER_ORIGIN if the application does not read the topic that it came from;
 * MR_DEAD_LETTER_PATCH; MR_TOPIC_UNKNOWN; MR_PRODUCE if a topic refuses the record; MR_FENCED if another replay began;
 * MR_COMMIT if a transaction did not succeed; MR_CONFIG
 * @example
 * ```ts
 * await replayDeadLetters(app, log, ['rejected-0-17'], { patch: { value: { cents: 200 } } })
 * ```
 */
export async function replayDeadLetters(
  app: Application,
  log: Log,
  ids: readonly string[],
  options: ReplayDeadLettersOptions = {},
): Promise<readonly DeadLetterReplay[]> {
  const choice = readChoice(options)
  const letters = readIds(ids)
  requireOne(choice.patch, letters.length)
  const done: DeadLetterReplay[] = []
  await new Replaying(app, log, choice, (replays) => done.push(...replays)).ofLetters(letters)
  return done
}

/**
 * Replays those of these dead letters that can go back, and leaves the others. In all else it is as
 * `replayDeadLetters`.
 *
 * @param replayed called with those of each transaction that was committed
 * @param left called for each that cannot go back
 */
export async function replayEach(
  app: Application,
  log: Log,
  letters: readonly RecordPlace[],
  options: ReplayDeadLettersOptions,
  replayed: (replays: readonly DeadLetterReplay[]) => void,
  left: LeaveOne,
): Promise<void> {
  const choice = readChoice(options)
  requireOne(choice.patch, letters.length)
  await new Replaying(app, log, choice, replayed).ofLetters(letters, left)
}

/**
 * Replays all dead letters of a topic that have not been replayed. Those that cannot go back stay.
 *
 * @param replayed called with those of each transaction that was committed
 * @param left called for each that cannot go back
 */
export async function replayAll(
  app: Application,
  log: Log,
  topic: string,
  options: ReplayDeadLettersOptions,
  replayed: (replays: readonly DeadLetterReplay[]) => void,
  left: LeaveOne,
): Promise<void> {
  const choice = readChoice(options)
  requireOne(choice.patch, Infinity)
  await new Replaying(app, log, choice, replayed).ofTopic(topic, left)
}

/** Dead letters that are to be replayed, and the part of their partition from the first of them on. */
interface Wanted extends PartitionRange {
  readonly offsets: Set<number>
}

/** Notes a dead letter that cannot go back, and stays. */
export type LeaveOne = (letter: string, error: MillraceError) => void

/** What has been appended since the last commit. */
interface Batch {
  readonly replays: DeadLetterReplay[]
  bytes: number
}

class Replaying implements ReplayTargets {
  readonly inputs: ReplayTargets['inputs']
  readonly to: ReadonlySet<string>
  readonly #app: Application
  readonly #log: Log
  readonly #choice: ReplayChoice
  readonly #replayed: (replays: readonly DeadLetterReplay[]) => void
  readonly #partitions = new Map<string, Promise<number | undefined>>()

  constructor(
    app: Application,
    log: Log,
    choice: ReplayChoice,
    replayed: (replays: readonly DeadLetterReplay[]) => void,
  ) {
    this.#app = app
    this.#log = log
    this.#choice = choice
    this.#replayed = replayed
    this.inputs = inputsOf(app)
    this.to = new Set(choice.to)
  }

  partitions(topic: string): Promise<number | undefined> {
    const known = this.#partitions.get(topic)
    if (known !== undefined) return known
    const found = Promise.resolve(this.#log.describeTopics([topic])).then((topics) => topics.get(topic)?.partitions)
    this.#partitions.set(topic, found)
    return found
  }

  /** @param left takes those that cannot go back; without it one such is an error, and nothing is replayed */
  async ofLetters(letters: readonly RecordPlace[], left?: LeaveOne): Promise<void> {
    await this.#withClient(async (client, reader) => {
      const wanted = await this.#rangesOf(letters, left)
      const replayed: string[] = []
      for (const range of wanted) await this.#check(reader, range, replayed, left)
      if (replayed.length > 0) throw alreadyReplayed(replayed)
      const batch: Batch = { replays: [], bytes: 0 }
      for (const { offsets, ...range } of wanted) {
        const end = lastOf(offsets) + 1
        const isWanted = ({ offset }: StoredRecord): boolean => offsets.delete(offset)
        await this.#write(client, reader, { ...range, end }, isWanted, batch, left)
        // They were deleted since they were looked for.
        for (const offset of offsets) leave({ ...range, offset }, unknownLetter({ ...range, offset }), left)
      }
      await this.#commit(client, batch)
    })
  }

  async ofTopic(topic: string, left: LeaveOne): Promise<void> {
    await this.#withClient(async (client, reader) => {
      const count = await partitionsOfLetters(this.#log, topic)
      const places = Array.from({ length: count }, (_, partition) => ({ topic, partition }))
      const starts = await this.#log.listOffsets(places, 'earliest')
      const ends = await this.#log.listOffsets(places, 'latest')
      const batch: Batch = { replays: [], bytes: 0 }
      for (const { partition } of places) {
        const range = {
          topic,
          partition,
          from: starts.get(topic, partition) ?? 0,
          end: ends.get(topic, partition) ?? 0,
        }
        const marked = this.#choice.again ? new OffsetSet() : await findMarked(this.#log, reader, range)
        // What else is in the topic is passed over.
        const isWanted = ({ offset, headers, timestamp }: StoredRecord): boolean =>
          !marked.has(offset) && typeof readLetterHeaders(headers, timestamp) !== 'string'
        await this.#write(client, reader, range, isWanted, batch, left)
      }
      await this.#commit(client, batch)
    })
  }

  /**
   * Opens the client of this application's replays. That ends an earlier one, whose transaction is committed or aborted
   * by then: marks that are looked for from now on are those of all replays before this one.
   */
  async #withClient(act: (client: LogClient | undefined, reader: LogReader) => Promise<void>): Promise<void> {
    const { id } = this.#app
    const client = this.#choice.dryRun
      ? undefined
      : await this.#log.openClient({
          groupId: id,
          clientId: `${id}-dead-letters`,
          transactionalId: `${id}-dead-letters`,
          processId: randomUUID(),
          guarantee: 'exactly_once',
          subtopologies: [],
          rebalanceTimeout: 0,
          standbyReplicas: 0,
        })
    const reader = this.#log.openReader()
    try {
      await act(client, reader)
    } catch (error) {
      throw isMillraceError(error) && error.code === 'MR_FENCED' ? fencedReplay(id, error) : error
    } finally {
      await reader.close()
      await client?.close()
    }
  }

  /** Returns the ranges from the first wanted dead letter of each partition to its end. */
  async #rangesOf(letters: readonly RecordPlace[], left: LeaveOne | undefined): Promise<Wanted[]> {
    const offsets = new PartitionMap<Set<number>>()
    for (const letter of letters) {
      const { topic, partition, offset } = letter
      const known = offsets.get(topic, partition)
      if (known !== undefined) known.add(offset)
      else if (partition < ((await this.partitions(topic)) ?? 0)) offsets.set(topic, partition, new Set([offset]))
      else leave(letter, unknownLetter(letter), left)
    }
    const places = Array.from(offsets.entries(), ([topic, partition]) => ({ topic, partition }))
    const ends = await this.#log.listOffsets(places, 'latest')
    return Array.from(offsets.entries(), ([topic, partition, wanted]) => {
      const end = ends.get(topic, partition) ?? 0
      let from = Infinity
      for (const offset of wanted) from = Math.min(from, offset)
      return { topic, partition, from, end, offsets: wanted }
    })
  }

  /**
   * Looks for the dead letters and their marks.
   *
   * @param replayed gets the ids of those that have been replayed, unless they may be again
   * @param left takes all that cannot go back, which are wanted no longer
   */
  async #check(reader: LogReader, range: Wanted, replayed: string[], left: LeaveOne | undefined): Promise<void> {
    const { topic, partition, offsets } = range
    const missing = new Set(offsets)
    const marked = new Set<number>()
    for await (const record of recordsOf(this.#log, reader, range)) {
      const letter = markedOffset(record.headers, record)
      if (letter !== undefined && offsets.has(letter)) marked.add(letter)
      if (!missing.delete(record.offset)) continue
      if ((await this.#recordOf(record, left)) === undefined) offsets.delete(record.offset)
    }
    for (const offset of missing) {
      offsets.delete(offset)
      leave({ topic, partition, offset }, unknownLetter({ topic, partition, offset }), left)
    }
    for (const offset of this.#choice.again ? [] : marked) {
      const id = letterId({ topic, partition, offset })
      if (left === undefined) replayed.push(id)
      else if (offsets.delete(offset)) left(id, alreadyReplayed([id]))
    }
  }

  /** Replays the dead letters of a range. */
  async #write(
    client: LogClient | undefined,
    reader: LogReader,
    range: PartitionRange,
    isWanted: (record: StoredRecord) => boolean,
    batch: Batch,
    left: LeaveOne | undefined,
  ): Promise<void> {
    for await (const record of recordsOf(this.#log, reader, range)) {
      const replay = isWanted(record) ? await this.#recordOf(record, left) : undefined
      if (replay === undefined) continue
      if (client !== undefined) await append(client, record, replay)
      batch.replays.push(replay)
      batch.bytes += (replay.key?.length ?? 0) + (replay.value?.length ?? 0)
      if (batch.replays.length >= BATCH || batch.bytes >= BATCH_BYTES) await this.#commit(client, batch)
    }
  }

  /** Returns undefined for what cannot go back, if somebody takes that. */
  async #recordOf(record: StoredRecord, left: LeaveOne | undefined): Promise<DeadLetterReplay | undefined> {
    try {
      return await replayedRecord(record, this.#choice.patch, this)
    } catch (error) {
      if (!isMillraceError(error)) throw error
      leave(record, error, left)
      return undefined
    }
  }

  async #commit(client: LogClient | undefined, batch: Batch): Promise<void> {
    if (batch.replays.length === 0) return
    const outcome = client === undefined ? 'committed' : await client.commit(new PartitionMap<CommittedOffset>())
    if (outcome !== 'committed') throw notCommitted(outcome, batch.replays)
    this.#replayed(batch.replays.splice(0))
    batch.bytes = 0
  }
}

/** @throws the error, unless somebody takes what cannot go back */
function leave(letter: RecordPlace, error: MillraceError, left: LeaveOne | undefined): void {
  if (left === undefined) throw error
  left(letterId(letter), error)
}

function lastOf(offsets: Iterable<number>): number {
  let last = -1
  for (const offset of offsets) last = Math.max(last, offset)
  return last
}

/** Reads the records of a range one by one. */
async function* recordsOf(log: Log, reader: LogReader, range: PartitionRange): AsyncGenerator<StoredRecord> {
  for await (const cursor of readRange(log, reader, range)) {
    while (cursor.next() && cursor.offset < range.end) yield storedRecord(range, cursor)
  }
}

/** Appends the record and the mark, which become visible together. */
async function append({ producer }: LogClient, letter: StoredRecord, replay: DeadLetterReplay): Promise<void> {
  await producer.loadPartitionCount(replay.topic)
  await producer.loadPartitionCount(letter.topic)
  const { timestamp, key, value, headers } = replay
  const origin = refusing(replay)
  producer.append(replay.topic, replay.partition, RecordSlice.of(timestamp, key, value, headers), origin)
  producer.append(letter.topic, letter.partition, markOf(letter, replay), origin)
}

/** Returns an origin that lets nothing be written without a record that is refused. */
function refusing({ id }: DeadLetterReplay): AppendOrigin {
  return {
    refused: (refusal) => {
      const { topic, partition } = refusal
      throw new MillraceError('MR_PRODUCE', `the dead letter ${id} cannot be replayed: ${describeRefusal(refusal)}`, {
        topic,
        partition,
        hint: refusalHint(refusal),
      })
    },
  }
}

function readChoice(options: ReplayDeadLettersOptions): ReplayChoice {
  const { patch = {}, ...rest } = readOptions(REPLAY_DEAD_LETTERS, options, 'replayDeadLetters()')
  return { patch, ...rest }
}

function readIds(ids: readonly string[]): RecordPlace[] {
  if (!Array.isArray(ids)) {
    throw new MillraceError('MR_CONFIG', 'the ids for replayDeadLetters() are no list', {
      hint: "Give a list of ids, as in ['rejected-0-17'].",
    })
  }
  return Array.from(new Set<unknown>(ids), (id) => {
    const place = typeof id === 'string' ? parseLetterId(id) : undefined
    if (place !== undefined) return place
    throw notAnId(id)
  })
}

/** Returns the error for what cannot be the id of a dead letter. */
export function notAnId(id: unknown): MillraceError {
  return new MillraceError('MR_DEAD_LETTER_UNKNOWN', `${show(id)} is no id of a dead letter`, {
    hint: 'An id is TOPIC-PARTITION-OFFSET, as in rejected-0-17.',
  })
}

/** The same key or value in many records would overwrite what they were. */
function requireOne(patch: DeadLetterPatch, letters: number): void {
  if (letters <= 1 || (patch.key === undefined && patch.value === undefined)) return
  throw new MillraceError('MR_CONFIG', 'a patch with a key or value is for one dead letter, not for several', {
    hint: 'Replay them one by one, or patch only headers.',
  })
}

/** Returns the error for an id of a place where no record is. */
export function unknownLetter(letter: RecordPlace): MillraceError {
  return new MillraceError('MR_DEAD_LETTER_UNKNOWN', 'there is no dead letter', {
    ...letter,
    hint: 'It may have been deleted by the retention of its topic. `millrace dead-letters ls` shows what is there.',
  })
}

function alreadyReplayed(ids: readonly string[]): MillraceError {
  const shown = ids.slice(0, 5).join(', ') + (ids.length > 5 ? ` and ${ids.length - 5} more` : '')
  return new MillraceError('MR_DEAD_LETTER_REPLAYED', `replayed already: ${shown}`, {
    hint: 'Leave them out. To process the records once more, ask for it by `again` (`--again`).',
  })
}

function fencedReplay(id: string, cause: MillraceError): MillraceError {
  return new MillraceError('MR_FENCED', `another replay of dead letters of ${id} began, and ended this one`, {
    cause,
    hint: 'Run one at a time. What this one had committed is replayed, and marked so.',
  })
}

function notCommitted(outcome: 'aborted' | 'unknown', replays: readonly DeadLetterReplay[]): MillraceError {
  const [first] = replays
  const what = `${replays.length} dead letters from ${first?.id} on`
  return new MillraceError(
    'MR_COMMIT',
    outcome === 'aborted' ? `nothing of ${what} was replayed` : `it is not known whether ${what} were replayed`,
    { hint: 'Replay them again: those that were replayed are marked, and refused.' },
  )
}
