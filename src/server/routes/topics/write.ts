import type { z } from '@hono/zod-openapi'
import { MillraceError } from '../../../errors/millrace-error.ts'
import { JSON_TYPE, NDJSON_TYPE } from '../../http/media-types.ts'
import { problemPart, problemResponse, PROBLEM_TYPE } from '../../http/problem.ts'
import { jsonAnswer, respond, route, type Route, type Served } from '../../http/route.ts'
import { FORMED, givenBytes, TopicForms } from './forms.ts'
import type { GivenRecords } from './given-records.ts'
import { recordsOfJson, recordsOfLines } from './record-bodies.ts'
import { GivenRecord, GivenRecordsOrOne, NotWritten, TOPIC, Written } from './schemas.ts'
import type { TopicProducer } from './topic-producer.ts'
import type { TopicsOfLog } from './topics-of-log.ts'

const NOT_ALL = {
  description: 'the problem of the first record that the log refused, and what became of each',
  content: { [PROBLEM_TYPE]: NotWritten },
}

/** Writes records to a topic. */
export function write(
  { streams }: Served,
  topics: TopicsOfLog,
  encoders: GivenRecords,
  producer: TopicProducer,
): Route {
  const { logger } = streams.app.settings
  return route({
    method: 'post',
    path: '/v1/topics/{topic}/records',
    needs: ['read', 'topics.write'],
    summary: 'Writes records, and says where they are: all of them, or none if one does not fit the topic',
    parameters: TOPIC,
    query: FORMED,
    bodies: { [JSON_TYPE]: GivenRecordsOrOne, [NDJSON_TYPE]: GivenRecord },
    answers: { 200: jsonAnswer('the place of each record, in their order', Written), 422: NOT_ALL },
    async answer({ path: { topic: name }, query, sent: { type, text }, rights }) {
      const topic = await topics.writable(name, rights)
      const forms = new TopicForms(name, topics.own.get(name)?.serdes, query)
      const given = type === NDJSON_TYPE ? recordsOfLines(text) : recordsOfJson(text)
      const records = encoders.read(topic, given, givenBytes(forms.key), givenBytes(forms.value))
      const outcomes = await producer.write(name, records)
      const refused = outcomes.find((outcome) => outcome instanceof MillraceError)
      const shown = outcomes.map((each) =>
        each instanceof MillraceError ? { problem: problemPart(each, logger) } : each,
      )
      if (refused === undefined) return respond(Written, { records: outcomes as z.input<typeof Written>['records'] })
      const problem: z.input<typeof NotWritten> = { ...problemPart(refused, logger), records: shown }
      return problemResponse(problem)
    },
  })
}
