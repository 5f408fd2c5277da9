import type { z } from '@hono/zod-openapi'
import { replayJson } from '../../../dead-letters/letter-json.ts'
import { parseLetterId, type RecordPlace } from '../../../dead-letters/letter-id.ts'
import { notAnId, replayEach, unknownLetter, type LeaveOne } from '../../../dead-letters/replay-dead-letters.ts'
import type { MillraceError } from '../../../errors/millrace-error.ts'
import { badRequest, problemPart, problemResponse, PROBLEM_TYPE } from '../../http/problem.ts'
import { jsonAnswer, respond, route, type Route } from '../../http/route.ts'
import type { Letters } from './letters.ts'
import { NotReplayed, Replayed, Replays } from './schemas.ts'

type Request = z.output<typeof Replays>
type Outcome = z.input<typeof Replayed>['outcomes'][number]

const NOT_ALL = {
  description: 'the problem of the first that was not replayed, and what became of each',
  content: { [PROBLEM_TYPE]: NotReplayed },
}

/** Replays of dead letters. */
export function replay(letters: Letters, off: string | undefined): Route {
  const replaying = new Replaying(letters)
  return route({
    method: 'post',
    path: '/v1/dead-letters/replay',
    needs: 'dead-letters',
    off,
    summary: 'Writes records of dead letters to the topics that they came from, each once',
    body: Replays,
    answers: {
      200: jsonAnswer('each of them was replayed', Replayed),
      404: NOT_ALL,
      409: NOT_ALL,
      422: NOT_ALL,
    },
    async answer({ body }) {
      const { ids, patch = {} } = body
      if (new Set(ids).size > 1 && (patch.key !== undefined || patch.value !== undefined)) {
        throw badRequest('a patch with a key or a value is for one dead letter', 'Replay them one by one.')
      }
      const outcomes = await replaying.outcomesOf(body)
      for (const outcome of outcomes) {
        if (!('problem' in outcome)) continue
        const problem: z.input<typeof NotReplayed> = { ...outcome.problem, outcomes }
        return problemResponse(problem)
      }
      return respond(Replayed, { outcomes })
    },
  })
}

class Replaying {
  readonly #letters: Letters
  /** The replay asked for last. A second one at the same time would end the first. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(letters: Letters) {
    this.#letters = letters
  }

  /** Replays what can be, and returns what became of each. */
  async outcomesOf(request: Request): Promise<Outcome[]> {
    const { app, topic } = this.#letters
    const { logger } = app.settings
    const outcomes = new Map<string, Outcome>()
    const places: RecordPlace[] = []
    const fail = (id: string, error: MillraceError): void =>
      void outcomes.set(id, { id, problem: problemPart(error, logger) })
    for (const id of new Set(request.ids)) {
      const place = parseLetterId(id)
      if (place === undefined) fail(id, notAnId(id))
      else if (place.topic !== topic) fail(id, unknownLetter(place))
      else places.push(place)
    }
    try {
      if (places.length > 0) await this.#replay(places, request, outcomes, fail)
    } catch (error) {
      // Those of transactions that were committed before have been replayed.
      const problem = problemPart(error, logger)
      for (const id of request.ids) if (!outcomes.has(id)) outcomes.set(id, { id, problem })
    }
    return request.ids.flatMap((id) => outcomes.get(id) ?? [])
  }

  async #replay(
    places: readonly RecordPlace[],
    { patch: { headers, ...patch } = {}, dryRun = false, again = false }: Request,
    outcomes: Map<string, Outcome>,
    fail: LeaveOne,
  ): Promise<void> {
    const { app, log } = this.#letters
    const options = { patch: headers === undefined ? patch : { ...patch, headers }, dryRun, again }
    const replay = (): Promise<void> =>
      replayEach(
        app,
        log,
        places,
        options,
        (replayed) => {
          for (const each of replayed) {
            const { id, ...replay } = replayJson(each)
            outcomes.set(id, { id, replay })
          }
        },
        fail,
      )
    if (dryRun) return replay()
    const turn = this.#last.then(replay)
    this.#last = turn.catch(() => {})
    return turn
  }
}
