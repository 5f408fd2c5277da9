import { z } from '@hono/zod-openapi'
import { letterJson } from '../../../dead-letters/letter-json.ts'
import { parseLetterId } from '../../../dead-letters/letter-id.ts'
import type { DeadLetter, NoDeadLetter } from '../../../dead-letters/letter.ts'
import { readDeadLetters } from '../../../dead-letters/read-dead-letters.ts'
import { notAnId, unknownLetter } from '../../../dead-letters/replay-dead-letters.ts'
import { MillraceError } from '../../../errors/millrace-error.ts'
import { systemClock } from '../../../platform/clock.ts'
import { answerOfList, endOfList, listResponse, PAGED } from '../../http/list.ts'
import { flag, timeout } from '../../http/parameters.ts'
import { badRequest } from '../../http/problem.ts'
import { jsonAnswer, respond, route, type Family, type Route } from '../../http/route.ts'
import { Letters } from './letters.ts'
import { replay } from './replays.ts'
import { Letter } from './schemas.ts'

/** ms for which the next dead letter is waited for: a transaction may be open in its topic. */
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
        rows: () => read(letters, cursor, query, abort.signal),
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
      for await (const letter of read(letters, id, query)) {
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

/** Reads dead letters, and does not wait for ever for the next. @throws MR_QUERY_TIMEOUT, the reason of the signal */
async function* read(
  { app, log }: Letters,
  from: string | undefined,
  { replays = true, timeout = TIMEOUT }: ReadQuery,
  signal?: AbortSignal,
): AsyncGenerator<DeadLetter | NoDeadLetter, void> {
  const late = new AbortController()
  const found = readDeadLetters(app, log, {
    ...(from === undefined ? {} : { from }),
    replays,
    signal: signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
  })
  try {
    for (;;) {
      const timer = systemClock.schedule(timeout, () => late.abort(tooLate()))
      const next = await found.next().finally(() => timer.cancel())
      if (next.done === true) return
      yield next.value
    }
  } finally {
    await found.return()
  }
}

function tooLate(): MillraceError {
  return new MillraceError('MR_QUERY_TIMEOUT', 'the log had no dead letter in time', {
    hint: 'Give a longer `timeout`: a transaction may be open in the topic. With `replays=false` less is read.',
  })
}

function sizeOf(letter: DeadLetter | NoDeadLetter): number {
  const [key, value] = letter.kind === 'other' ? [letter.key, letter.value] : [letter.key.bytes, letter.value.bytes]
  return (key?.length ?? 0) + (value?.length ?? 0)
}
