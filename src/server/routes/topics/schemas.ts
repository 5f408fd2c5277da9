import { z } from '@hono/zod-openapi'
import { Problem } from '../../http/problem.ts'

/* Topics and their records as JSON shows them. */

const count = z.number().int().nonnegative()
const partition = z.number().int()
const json = z.unknown()

export const TOPIC = {
  topic: z.string().describe('the name of a topic: GET /v1/topics has all'),
}

const serde = z.string().nullable().describe('the serde of the application; null: none that it knows')

const LISTED = {
  name: z.string(),
  own: z
    .enum(['source', 'sink', 'internal', 'dead-letters'])
    .nullable()
    .describe('what it is to the application; null: nothing that is known before it runs'),
  internal: z.boolean().describe('true: a changelog or repartition topic, which no request may write'),
  writable: z.boolean().describe('whether whoever asks may write it'),
  keySerde: serde,
  valueSerde: serde,
}

const ListedTopic = z.object({ ...LISTED, partitions: count.describe('number of partitions') }).openapi('ListedTopic')

export const ListedTopics = z.object({ topics: z.array(ListedTopic) }).openapi('ListedTopics')

const TopicPartition = z
  .object({
    partition,
    leader: z.number().int().nullable().describe('id of the broker that leads it; null while none does'),
    replicas: z.array(z.number().int()).readonly().describe('ids of the brokers that have it'),
    inSyncReplicas: z.array(z.number().int()).readonly(),
    firstOffset: count.describe('offset of the first record'),
    endOffset: count.describe('offset of the next record'),
  })
  .openapi('TopicPartition')

export const TopicDetails = z
  .object({
    ...LISTED,
    id: z.string(),
    configs: z.record(
      z.string(),
      z.object({
        value: z.string().nullable().describe('null: it is sensitive, or has none'),
        source: z.enum(['topic', 'broker', 'default']).describe('where it was set'),
      }),
    ),
    partitions: z.array(TopicPartition),
  })
  .openapi('TopicDetails')

const Headers = z
  .array(z.tuple([z.string(), json]).readonly())
  .readonly()
  .describe('name and value of each, in their order; a value is text, { base64 } or null')

export const TopicRecord = z
  .object({
    topic: z.string(),
    partition,
    offset: count,
    timestamp: z.number().nullable().describe('ms since the epoch; null: none'),
    key: json.describe('in the form of keyAs; null: none'),
    value: json.describe('in the form of valueAs; null: none, a tombstone'),
    headers: Headers,
    error: z.string().optional().describe('why key or value is not in the form that was chosen, but as by auto'),
  })
  .describe('as `millrace consume --json` prints it')
  .openapi('TopicRecord')

const cursor = z.string().describe('where reading goes on: give it as `cursor`')

export const RecordPage = z
  .object({
    records: z.array(TopicRecord),
    cursor,
    end: z.boolean().describe('true: these were all that there are now; false: there is more to read at once'),
  })
  .openapi('RecordPage')

export const EndOfRecords = z
  .object({
    end: z.boolean().describe('true: these are all that were asked for; false: the problem ended them'),
    records: count.describe('number of records'),
    cursor,
    problem: Problem.optional(),
  })
  .describe('the last line; without it the response was cut')
  .openapi('EndOfRecords')

const given = z.unknown().optional()

export const GivenRecord = z
  .strictObject({
    key: given.describe('in the form of keyAs; null or absent: none'),
    value: given.describe('in the form of valueAs; null or absent: none'),
    timestamp: z
      .union([z.number(), z.string()])
      .nullish()
      .describe('ms since the epoch, or a time as in 2030-01-31T12:00:00Z; absent: now'),
    headers: z
      .union([Headers, z.record(z.string(), json)])
      .nullish()
      .describe('name and value of each, as an array or an object'),
    partition: z.number().int().nonnegative().optional().describe('absent: by the key, without one each in its turn'),
    topic: given.describe('no matter, as offset: a record that was read can be sent as it is'),
    offset: given,
  })
  .openapi('GivenRecord')

export const GivenRecordsOrOne = z.union([GivenRecord, z.strictObject({ records: z.array(GivenRecord).min(1) })])

const WrittenRecord = z
  .object({
    partition: partition.nullable().describe('null: the partitioner of the topic sends it nowhere'),
    offset: count.nullable().describe('null: it was written, and the log does not say where'),
  })
  .openapi('WrittenRecord')

export const Written = z.object({ records: z.array(WrittenRecord) }).openapi('Written')

/** The first problem of a request, with what became of all its records. */
export const NotWritten = Problem.extend({
  records: z
    .array(z.union([WrittenRecord, z.object({ problem: Problem })]))
    .optional()
    .describe('one for each record, in their order; absent if none was written'),
}).openapi('NotWritten')
