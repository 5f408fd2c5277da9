import { z } from '@hono/zod-openapi'
import { REPLAY_OF } from '../../../record/dead-letter-headers.ts'
import { Problem } from '../../http/problem.ts'

/* Dead letters and replays as JSON shows them. */

const MOST_IDS = 1000

const integer = z.number().int()

const Bytes = z
  .union([z.string(), z.object({ base64: z.string() }), z.null()])
  .describe('text where the bytes are UTF-8; null: there are none')
  .openapi('Bytes')

const Part = z
  .union([
    z.object({ value: z.unknown().describe('as the serde of the topic reads it') }),
    z.object({ bytes: Bytes, error: z.string().describe('why there is no value') }),
  ])
  .openapi('Part')

const Headers = z
  .array(z.tuple([z.string(), Bytes]).readonly())
  .readonly()
  .describe('name and value of each, in their order')

const Origin = z.object({
  topic: z.string().nullable().describe('null: a punctuator failed, which has no input record'),
  partition: integer,
  offset: integer,
  timestamp: z.number().describe('ms since the epoch'),
})

const id = z.string().describe('TOPIC-PARTITION-OFFSET of the dead letter')

const DeadLetter = z
  .object({
    kind: z.literal('dead-letter'),
    id,
    replayed: z.boolean().optional().describe('whether it has been replayed; absent if that was not looked for'),
    origin: Origin.describe('the place of the input record'),
    code: z.string().optional().describe('the code of the error; absent if the writer was not Millrace'),
    node: z.string().optional(),
    task: z.string().optional(),
    exception: z.string().describe('the class of the error'),
    message: z.string(),
    stack: z.string(),
    headers: Headers.describe('those of the input record'),
    key: Part,
    value: Part,
  })
  .openapi('DeadLetter')

const NoDeadLetter = z
  .object({
    kind: z.literal('other'),
    id,
    reason: z.string().describe('why it is no dead letter'),
    timestamp: z.number().describe('ms since the epoch'),
    headers: Headers,
    key: Bytes,
    value: Bytes,
  })
  .openapi('NoDeadLetter')

export const Letter = z.discriminatedUnion('kind', [DeadLetter, NoDeadLetter]).openapi('Letter')

/** JSON has more numbers than there are: what is replayed must be what was written. */
function isExact(value: unknown): boolean {
  if (typeof value === 'number') return !Number.isInteger(value) || Number.isSafeInteger(value)
  return typeof value !== 'object' || value === null || Object.values(value).every(isExact)
}

const changed = z
  .unknown()
  .refine(isExact, 'a number is not exact beyond 2^53: give a string of digits')
  .optional()
  .describe('as the serde of the topic takes it; null: none; not given: as it was')

const Patch = z
  .strictObject({
    key: changed,
    value: changed,
    headers: z
      .record(
        z.string().refine((name) => name !== REPLAY_OF, `the replay sets ${REPLAY_OF} itself`),
        z.string().nullable(),
      )
      .optional()
      .describe('by name; null removes a header'),
  })
  .describe('what to change; a key or a value is for one dead letter alone')

/** What is asked of a replay. */
export const Replays = z.strictObject({
  ids: z.array(z.string()).min(1).max(MOST_IDS).describe('ids of dead letters'),
  patch: Patch.optional(),
  dryRun: z.boolean().optional().describe('true: nothing is written, and the response has what would be'),
  again: z.boolean().optional().describe('true: what has been replayed already is replayed again'),
})

const Replay = z
  .object({
    topic: z.string(),
    partition: integer,
    timestamp: z.number().describe('ms since the epoch'),
    headers: Headers,
    key: Bytes,
    value: Bytes,
  })
  .describe('the record that was written, or would be')
  .openapi('Replay')

const ReplayOutcome = z
  .union([z.object({ id: z.string(), replay: Replay }), z.object({ id: z.string(), problem: Problem })])
  .openapi('ReplayOutcome')

const outcomes = z.array(ReplayOutcome).describe('one for each id, in their order')

export const Replayed = z.object({ outcomes }).openapi('Replayed')

/** The first problem of a replay, with what became of all ids. */
export const NotReplayed = Problem.extend({ outcomes }).openapi('NotReplayed')
