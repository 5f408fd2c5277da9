import { setImmediate } from 'node:timers/promises'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { accepts } from 'hono/accepts'
import type { Logger } from '../../../application/application.ts'
import type { StartAt } from '../../../client/start-offsets.ts'
import type { TopicDescription } from '../../../log/log.ts'
import { parseDuration } from '../../../options/options.ts'
import { systemClock } from '../../../platform/clock.ts'
import { parseTime } from '../../../record-forms/time-text.ts'
import { eventStream, type ServerEvent } from '../../http/event-stream.ts'
import { isMillraceError } from '../../../errors/millrace-error.ts'
import { badRequest, problemPart } from '../../http/problem.ts'
import { JSON_TYPE, NDJSON_TYPE } from '../../http/media-types.ts'
import { Reply } from '../../http/reply.ts'
import { route, type Route, type Served } from '../../http/route.ts'
import { readCursor } from './cursor.ts'
import { FORMED, ShownRecords, TopicForms } from './forms.ts'
import { Reading } from './reading.ts'
import { EndOfRecords, RecordPage, TOPIC, TopicRecord } from './schemas.ts'
import type { TopicsOfLog } from './topics-of-log.ts'

const EVENTS_TYPE = 'text/event-stream'

/** Records of a page, if the request does not say. */
const PAGE_RECORDS = 100
const MOST_RECORDS = 10_000
/** Characters of a page: records may be large. */
const PAGE_TEXT = 1024 * 1024
/** Characters of NDJSON that are sent at a time. */
const CHUNK = 32 * 1024
/** Records after which other work of the thread has its turn. */
const RECORDS_A_TURN = 256
/** ms for which records are waited for that are written, but not committed. */
const UNCOMMITTED = 500
/** ms for which records with a key are looked for. */
const LONGEST_SEARCH = 5000
/** ms between two signs of life. */
const PING = 15_000

const QUERY = {
  from: z
    .string()
    .regex(/^(?:beginning|end|-?\d{1,15}|@.{1,40})$/, 'beginning, end, -10, @2030-01-31T12:00:00Z, or an offset')
    .optional()
    .describe(
      'where to begin: `beginning` (the default), `end`, `-10` (so many records before the end of each partition), ' +
        '`@` and a time (ms, or as in @2030-01-31T12:00:00Z), or an offset of one `partition`',
    ),
  cursor: z.string().optional().describe('where an earlier response ended, instead of `from`'),
  limit: z
    .string()
    .regex(/^(?:[1-9]\d{0,3}|10000)$/, `from 1 to ${MOST_RECORDS}`)
    .transform(Number)
    .optional()
    .openapi({ type: 'integer', minimum: 1, maximum: MOST_RECORDS })
    .describe(`the greatest number of records; ${PAGE_RECORDS} by default for a page, elsewhere no limit`),
  wait: z
    .string()
    .regex(/^(?:(?:[0-5]?\d{1,4}|60000)(?:ms)?|(?:[0-5]?\d|60)s)$/, 'ms, or as in 500ms or 30s; at most 60s')
    .transform((text) => parseDuration(/^\d+$/.test(text) ? Number(text) : text, 'wait'))
    .optional()
    .describe('for how long a page waits for its first record: ms, or as in 30s; 0 by default, at most 60s'),
  partition: z
    .string()
    .regex(/^\d{1,9}(?:,\d{1,9}){0,999}$/, 'the numbers of partitions, as in 0 or 0,2')
    .transform((text) => [...new Set(text.split(',').map(Number))])
    .optional()
    .openapi({ type: 'string' })
    .describe('the partitions to read, as in 0 or 0,2; by default all'),
  key: z.string().optional().describe('one key, in the form of `keyAs`: no other records are returned'),
  ...FORMED,
}

type Query = { readonly [Name in keyof typeof QUERY]: z.output<(typeof QUERY)[Name]> }

/** Reads the records of a topic: a page, lines or events. */
export function read(served: Served, topics: TopicsOfLog, ping = PING): Route {
  const { streams, watches } = served
  const { logger } = streams.app.settings
  return route({
    method: 'get',
    path: '/v1/topics/{topic}/records',
    needs: ['read', 'topics.read'],
    summary: 'The committed records of a topic, each partition in order: a page, lines of JSON, or Server-Sent Events',
    parameters: TOPIC,
    query: QUERY,
    answers: {
      200: {
        description:
          `a page of records; with Accept: ${NDJSON_TYPE} all that there are, each on a line, and a last line that ` +
          `says so; with Accept: ${EVENTS_TYPE} these and all that follow, as the events \`begin\`, \`record\` and ` +
          '`problem` (the last one), whose `id` is a cursor, for Last-Event-ID',
        content: {
          [JSON_TYPE]: RecordPage,
          [NDJSON_TYPE]: z.union([TopicRecord, EndOfRecords]),
          [EVENTS_TYPE]: z.string(),
        },
      },
    },
    async answer({ path: { topic: name }, query, context, rights }) {
      const topic = await topics.readable(name, rights)
      const type = accepts(context, {
        header: 'Accept',
        supports: [JSON_TYPE, NDJSON_TYPE, EVENTS_TYPE],
        default: JSON_TYPE,
      })
      const forms = new TopicForms(name, topics.own.get(name)?.serdes, query)
      const from = startOf(query, type === EVENTS_TYPE ? context.req.header('last-event-id') : undefined, topic)
      const { wait = 0, limit = type === JSON_TYPE ? PAGE_RECORDS : Infinity, partition: partitions } = query
      const key = query.key === undefined ? undefined : forms.keyIn(query.key)
      const isWatch = type === EVENTS_TYPE || wait > 0
      const abort = isWatch ? watches.begin() : new AbortController()
      const end = (): void => (isWatch ? watches.end(abort) : abort.abort())
      const open = (): Promise<Reading> =>
        Reading.open(topics.log, {
          topic,
          from,
          partitions,
          key,
          records: new ShownRecords(forms),
          signal: abort.signal,
        })
      if (type === EVENTS_TYPE) {
        return eventStream(context, eventsOf(open, limit, abort.signal), { logger, ping, end })
      }
      if (type === NDJSON_TYPE) return linesResponse(context, open, { limit, wait, end, logger })
      if (wait > 0) context.req.raw.signal.addEventListener('abort', end)
      try {
        return await page(await open(), limit, wait)
      } finally {
        end()
      }
    },
  })
}

/** @throws MR_SERVER_REQUEST, MR_OFFSET_OUT_OF_RANGE for a cursor of a topic that is no more */
function startOf({ from, cursor, partition }: Query, lastEvent: string | undefined, topic: TopicDescription): StartAt {
  if (from !== undefined && cursor !== undefined) {
    throw badRequest('the parameters from and cursor do not go together', 'Give one.')
  }
  // A browser that comes again sends the URL of its first request.
  if (lastEvent !== undefined && lastEvent !== '')
    return offsetsIn(lastEvent, topic, partition, 'the header Last-Event-ID')
  if (cursor !== undefined) return offsetsIn(cursor, topic, partition, 'the parameter cursor')
  if (from === undefined || from === 'beginning') return 'earliest'
  if (from === 'end') return 'latest'
  if (from.startsWith('-')) return { last: -Number(from) }
  if (!from.startsWith('@')) {
    const [only, second] = partition ?? []
    if (only !== undefined && second === undefined) return { offsets: { [only]: Number(from) } }
    throw badRequest('an offset is one of a partition', 'Name one partition beside it.')
  }
  const timestamp = parseTime(from.slice(1))
  if (timestamp !== undefined) return { timestamp }
  throw badRequest('the parameter from has no time', 'Give @ and ms since the epoch, or as in @2030-01-31T12:00:00Z.')
}

function offsetsIn(text: string, topic: TopicDescription, asked: readonly number[] | undefined, what: string): StartAt {
  const positions = readCursor(text, topic, what)
  return { offsets: Object.fromEntries([...positions].filter(([partition]) => asked?.includes(partition) ?? true)) }
}

/**
 * Waits for more records. Returns false at the end, once there were some or the time is over, and where records that
 * are not committed are in the way.
 */
function more(reading: Reading, count: number, left: number): Promise<boolean> | false {
  if (!reading.isAtEnd) return reading.wait(Math.max(left, UNCOMMITTED))
  return count > 0 || left <= 0 ? false : reading.wait(left)
}

async function page(reading: Reading, limit: number, wait: number): Promise<Reply> {
  const begun = systemClock.monotonic()
  const passed = (): number => systemClock.monotonic() - begun
  let records = ''
  let count = 0
  let isSearched = false
  const isFull = (): boolean => count === limit || records.length >= PAGE_TEXT || isSearched
  try {
    while (!isFull() && (await more(reading, count, wait - passed()))) {
      for (const line of reading.take()) {
        if (line !== undefined) records += count++ === 0 ? line : `,${line}`
        if (isFull()) break
        if (line === undefined || count % RECORDS_A_TURN === 0) await setImmediate()
        isSearched = passed() > Math.max(wait, LONGEST_SEARCH)
      }
    }
    const { cursor, isAtEnd } = reading
    const text = `{"records":[${records}],"cursor":"${cursor}","end":${isAtEnd}}`
    return new Reply(200, { 'content-type': JSON_TYPE }, text)
  } finally {
    await reading.close()
  }
}

async function* eventsOf(
  open: () => Promise<Reading>,
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<ServerEvent, void> {
  const reading = await open()
  try {
    // Without a place a client that is cut before the first record would begin where the topic ends by then.
    yield { event: 'begin', id: reading.cursor, data: {} }
    let count = 0
    while (await reading.wait(Infinity)) {
      for (const line of reading.take()) {
        if (line === undefined) await setImmediate()
        else yield { event: 'record', id: reading.cursor, data: line }
        if (line !== undefined && ++count === limit) return
      }
    }
    if (isMillraceError(signal.reason)) throw signal.reason
  } finally {
    await reading.close()
  }
}

interface LinesOptions {
  readonly limit: number
  readonly wait: number
  /** Ends the reading. */
  readonly end: () => void
  readonly logger: Logger
}

/** What goes wrong before the first chunk is a problem with a status, as elsewhere. */
async function linesResponse(
  context: Context,
  open: () => Promise<Reading>,
  { limit, wait, end, logger }: LinesOptions,
): Promise<Response> {
  const headers = { 'content-type': NDJSON_TYPE }
  const reading = await open().catch((error: unknown) => {
    end()
    throw error
  })
  const lines = linesOf(reading, limit, wait, logger)
  const close = async (): Promise<void> => {
    end()
    await lines.return()
    await reading.close()
  }
  if (context.req.raw.method === 'HEAD') {
    await close()
    return new Response(null, { headers })
  }
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await lines.next()
      if (done !== true) {
        controller.enqueue(encoder.encode(value))
        return
      }
      await close()
      controller.close()
    },
    cancel: close,
  })
  return new Response(body, { headers })
}

/** All lines, some of them at a time. */
async function* linesOf(reading: Reading, limit: number, wait: number, logger: Logger): AsyncGenerator<string, void> {
  const begun = systemClock.monotonic()
  let text = ''
  let count = 0
  try {
    while (count < limit && (await more(reading, count, wait - (systemClock.monotonic() - begun)))) {
      for (const line of reading.take()) {
        if (line !== undefined) {
          text += `${line}\n`
          count++
        }
        if (count === limit) break
        if (text.length >= CHUNK) {
          yield text
          text = ''
        } else if (line === undefined || count % RECORDS_A_TURN === 0) await setImmediate()
      }
    }
    yield `${text}${JSON.stringify({ end: true, records: count, cursor: reading.cursor })}\n`
  } catch (error) {
    const problem = problemPart(error, logger)
    yield `${text}${JSON.stringify({ end: false, records: count, cursor: reading.cursor, problem })}\n`
  }
}
