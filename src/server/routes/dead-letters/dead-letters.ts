import { z } from '@hono/zod-openapi'
import { letterJson } from '../../../dead-letters/letter-json.ts'
import { parseLetterId } from '../../../dead-letters/letter-id.ts'
import type { DeadLetter, NoDeadLetter } from '../../../dead-letters/letter.ts'
import { readDeadLetters, type ReadDeadLettersOptions } from '../../../dead-letters/read-dead-letters.ts'
import { notAnId, unknownLetter } from '../../../dead-letters/replay-dead-letters.ts'
import { answerOfList, endOfList, listResponse, PAGED } from '../../http/list.ts'
import { flag, timeout } from '../../http/parameters.ts'
import { badRequest } from '../../http/problem.ts'
import { jsonAnswer, respond, route, type Family, type Route } from '../../http/route.ts'
import { Letters } from './letters.ts'
import { replay } from './replays.ts'
import { Letter } from './schemas.ts'

/** ms for which the log may have nothing more: a transaction may be open in the topic. */
const TIMEOUT = 5000

const OFF = 'Dead letters are off. Turn them on by deadLetters of serve(), or millrace run --http-dead-letters FILE.'

const READ = {
  replays: flag.optional().describe('false: does not look whether they have been replayed, which takes long'),
  timeout,
}

const End = endOfList({}).openapi('LettersEnd')

/**
 * What the application put aside: read, and replayed. It is all in the application's own topic of dead letters, and
 * goes to topics that the application reads: whoever may use these routes can neither read nor write any other.
 */
export const deadLetters: Family = ({ streams, deadLetters }) => {
  const letters = new Letters(streams)
  const off = deadLetters ? undefined : OFF
  // The path of a replay would be that of an id.
  return [list(letters, off), replay(letters, off), one(letters, off)]
}

function list(letters: Letters, off: string | undefined): Route {
  const { logger } = letters.app.settings
  return route({
    method: 'get',
    path: '/v1/dead-letters',
    needs: 'dead-letters',
    off,
    summary: 'The dead letters of the application: partition by partition, in each as they were written',
    query: { ...PAGED, ...READ },
    answers: { 200: answerOfList({ row: Letter, end: End, about: {} }) },
    answer({ query: { limit, cursor, ...query }, context }) {
      if (cursor !== undefined && parseLetterId(cursor)?.topic !== letters.topic) {
        throw badRequest('the parameter cursor is no cursor', 'Give `next` of the page before.')
      }
      const abort = new AbortController()
      return listResponse<DeadLetter | NoDeadLetter>(context, {
        rows: () => readDeadLetters(letters.app, letters.log, { ...readFrom(cursor, query), signal: abort.signal }),
        show: letterJson,
        sizeOf,
        cursor: (_last, { id }) => id,
        about: () => ({}),
        limit,
        abort,
        logger,
      })
    },
  })
}

function one(letters: Letters, off: string | undefined): Route {
  return route({
    method: 'get',
    path: '/v1/dead-letters/{id}',
    needs: 'dead-letters',
    off,
    summary: 'A dead letter',
    parameters: { id: z.string().describe('TOPIC-PARTITION-OFFSET of the dead letter') },
    query: READ,
    answers: { 200: jsonAnswer('the dead letter', Letter) },
    async answer({ path: { id }, query }) {
      const place = parseLetterId(id)
      if (place === undefined) throw notAnId(id)
      if (place.topic !== letters.topic) throw unknownLetter(place)
      for await (const letter of readDeadLetters(letters.app, letters.log, readFrom(id, query))) {
        if (letter.id !== id) break
        return respond(Letter, letterJson(letter))
      }
      throw unknownLetter(place)
    },
  })
}

interface ReadQuery {
  readonly replays?: boolean | undefined
  /** ms */
  readonly timeout?: number | undefined
}

function readFrom(from: string | undefined, { replays = true, timeout = TIMEOUT }: ReadQuery): ReadDeadLettersOptions {
  return { ...(from !== undefined && { from }), replays, timeout }
}

function sizeOf(letter: DeadLetter | NoDeadLetter): number {
  const [key, value] = letter.kind === 'other' ? [letter.key, letter.value] : [letter.key.bytes, letter.value.bytes]
  return (key?.length ?? 0) + (value?.length ?? 0)
}
