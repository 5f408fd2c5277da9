import { z } from '@hono/zod-openapi'
import { topicDetails, type PartitionDetails } from '../../../admin/topic-details.ts'
import { MillraceError } from '../../../errors/millrace-error.ts'
import { requirePartition } from '../../../log/known-topics.ts'
import type { Rights } from '../../access/role.ts'
import type { BodyText } from '../../http/body.ts'
import { badRequest, wrongMediaType } from '../../http/problem.ts'
import { Reply } from '../../http/reply.ts'
import { route, type Answer, type Route, type Served } from '../../http/route.ts'
import {
  ConfluentCode,
  confluentFailures,
  KEY_SCHEMA_MISSING,
  recordCodeOf,
  VALUE_SCHEMA_MISSING,
} from './confluent.ts'
import { readableBytes } from './forms.ts'
import type { GivenRecords } from './given-records.ts'
import { jsonIn, notEmpty } from './record-bodies.ts'
import { TOPIC } from './schemas.ts'
import type { TopicProducer } from './topic-producer.ts'
import type { TopicsOfLog } from './topics-of-log.ts'

const TYPE = 'application/vnd.kafka.v2+json'
const JSON_RECORDS = 'application/vnd.kafka.json.v2+json'
const BINARY_RECORDS = 'application/vnd.kafka.binary.v2+json'
const WITH_SCHEMAS = ['avro', 'jsonschema', 'protobuf'].map((format) => `application/vnd.kafka.${format}.v2+json`)

const partition = z.number().int().nonnegative()

const Replica = z.object({ broker: z.number().int(), leader: z.boolean(), in_sync: z.boolean() })
const Partition = z
  .object({
    partition,
    leader: z.number().int().describe('id of the broker that leads it; -1: none does'),
    replicas: z.array(Replica),
  })
  .openapi('ConfluentPartition')
const Topic = z
  .object({ name: z.string(), configs: z.record(z.string(), z.string().nullable()), partitions: z.array(Partition) })
  .openapi('ConfluentTopic')
const Offsets = z.object({ beginning_offset: z.number().int(), end_offset: z.number().int() })

const Given = z.strictObject({
  records: z
    .array(
      z.strictObject({ key: z.unknown().optional(), value: z.unknown().optional(), partition: partition.nullish() }),
    )
    .min(1),
})
const Produced = z
  .object({
    offsets: z.array(
      z.object({
        partition: partition.nullable(),
        offset: z.number().int().nullable(),
        error_code: z.number().int().nullable(),
        error: z.string().nullable(),
      }),
    ),
    key_schema_id: z.null(),
    value_schema_id: z.null(),
  })
  .openapi('ConfluentProduced')

const PARTITION = {
  ...TOPIC,
  partition: z
    .string()
    .regex(/^\d{1,9}$/, 'a whole number')
    .transform(Number)
    .openapi({ type: 'integer', minimum: 0, maximum: 999_999_999 }),
}

function answerOf(description: string, schema: z.ZodType): Readonly<Record<number, Answer>> {
  return { 200: { description, content: { [TYPE]: schema } } }
}

function reply<Schema extends z.ZodType>(_schema: Schema, value: z.input<Schema>): Reply {
  return Reply.json(value, { 'content-type': TYPE })
}

/** Topics as version 2 of Confluent's REST Proxy has them: written, and described. */
export function confluentV2(
  { streams }: Served,
  topics: TopicsOfLog,
  records: GivenRecords,
  producer: TopicProducer,
): readonly Route[] {
  const failures = confluentFailures(TYPE, streams.app.settings.logger)
  const readers = ['read', 'topics.read'] as const
  const read = { method: 'get', needs: readers, failures } as const
  const written = {
    method: 'post',
    needs: ['read', 'topics.write'],
    failures,
    bodies: {
      [JSON_RECORDS]: Given,
      [BINARY_RECORDS]: Given,
      ...Object.fromEntries(WITH_SCHEMAS.map((type) => [type, z.unknown()])),
    },
    answers: answerOf('the place of each record, or why it was not written', Produced),
  } as const
  const produce = async (name: string, sent: BodyText, rights: Rights, to: number | undefined): Promise<Reply> => {
    const topic = await topics.writable(name, rights)
    if (to !== undefined) requirePartition(topic, to)
    const form = sent.type === JSON_RECORDS ? 'json' : 'base64'
    const serdes = topics.own.get(name)?.serdes
    const given = givenIn(sent).map((record) => placedIn(record, to))
    const placed = records.read(topic, given, readableBytes(form, serdes?.key), readableBytes(form, serdes?.value))
    const outcomes = await producer.write(name, placed)
    const offsets = outcomes.map((each) =>
      each instanceof MillraceError
        ? { partition: null, offset: null, error_code: recordCodeOf(each), error: each.message }
        : { ...each, error_code: null, error: null },
    )
    return reply(Produced, { offsets, key_schema_id: null, value_schema_id: null })
  }
  const partitionsOf = async (name: string, rights: Rights): Promise<readonly PartitionDetails[]> =>
    (await topicDetails(topics.log, await topics.readable(name, rights))).partitions
  const onePartition = async (name: string, rights: Rights, number: number): Promise<PartitionDetails> => {
    requirePartition(await topics.readable(name, rights), number)
    return (await partitionsOf(name, rights)).find((each) => each.partition === number)!
  }
  return [
    route({
      ...read,
      path: '/topics',
      summary: 'The names of the topics, as Confluent REST Proxy v2 has them',
      answers: answerOf('the names', z.array(z.string())),
      answer: async ({ rights }) => reply(z.array(z.string()), [...(await topics.names(rights))]),
    }),
    route({
      ...read,
      path: '/topics/{topic}',
      summary: 'A topic, as Confluent REST Proxy v2 has it',
      parameters: TOPIC,
      answers: answerOf('the topic', Topic),
      async answer({ path, rights }) {
        const { name, configs, partitions } = await topicDetails(topics.log, await topics.readable(path.topic, rights))
        const values = [...configs].map(([config, { value }]) => [config, value] as const)
        return reply(Topic, { name, configs: Object.fromEntries(values), partitions: partitions.map(shownPartition) })
      },
    }),
    route({
      ...read,
      path: '/topics/{topic}/partitions',
      summary: 'The partitions of a topic, as Confluent REST Proxy v2 has them',
      parameters: TOPIC,
      answers: answerOf('the partitions', z.array(Partition)),
      answer: async ({ path, rights }) =>
        reply(z.array(Partition), (await partitionsOf(path.topic, rights)).map(shownPartition)),
    }),
    route({
      ...read,
      path: '/topics/{topic}/partitions/{partition}',
      summary: 'A partition of a topic, as Confluent REST Proxy v2 has it',
      parameters: PARTITION,
      answers: answerOf('the partition', Partition),
      answer: async ({ path, rights }) =>
        reply(Partition, shownPartition(await onePartition(path.topic, rights, path.partition))),
    }),
    route({
      ...read,
      path: '/topics/{topic}/partitions/{partition}/offsets',
      summary: 'The offsets of a partition, as Confluent REST Proxy v2 has them',
      parameters: PARTITION,
      answers: answerOf('the offsets of the first record and of the next', Offsets),
      async answer({ path, rights }) {
        const { firstOffset, endOffset } = await onePartition(path.topic, rights, path.partition)
        return reply(Offsets, { beginning_offset: firstOffset, end_offset: endOffset })
      },
    }),
    route({
      ...written,
      path: '/topics/{topic}',
      summary: 'Writes records, as Confluent REST Proxy v2 does',
      parameters: TOPIC,
      answer: ({ path, sent, rights }) => produce(path.topic, sent, rights, undefined),
    }),
    route({
      ...written,
      path: '/topics/{topic}/partitions/{partition}',
      summary: 'Writes records to a partition, as Confluent REST Proxy v2 does',
      parameters: PARTITION,
      answer: ({ path, sent, rights }) => produce(path.topic, sent, rights, path.partition),
    }),
  ]
}

function givenIn({ type, text }: BodyText): readonly unknown[] {
  const body = jsonIn(text, 'the body')
  const { records, ...rest } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>
  if (!Array.isArray(records)) throw badRequest('the body has no array records')
  if (WITH_SCHEMAS.includes(type)) throw withoutRegistry(records, rest)
  const other = Object.keys(rest).find((name) => !/^(?:key|value)_schema(?:_id)?$/.test(name) || rest[name] !== null)
  if (other !== undefined) throw badRequest(`beside records, the body has no ${JSON.stringify(other)}`)
  return notEmpty(records)
}

/** Returns the error of records that are to be written by schemas of a registry. */
function withoutRegistry(records: readonly unknown[], rest: Readonly<Record<string, unknown>>): MillraceError {
  const has = (part: string): boolean => records.some((each) => Reflect.get(Object(each), part) != null)
  const lacks = (part: string): boolean => rest[`${part}_schema`] == null && rest[`${part}_schema_id`] == null
  const hint = `Send ${JSON_RECORDS} or ${BINARY_RECORDS}.`
  if (has('key') && lacks('key')) return new ConfluentCode(KEY_SCHEMA_MISSING, 'there are keys and no key schema', hint)
  if (has('value') && lacks('value'))
    return new ConfluentCode(VALUE_SCHEMA_MISSING, 'there are values and no value schema', hint)
  return wrongMediaType([JSON_RECORDS, BINARY_RECORDS])
}

/** Returns a record as `/v1` has it. */
function placedIn(record: unknown, to: number | undefined): unknown {
  if (typeof record !== 'object' || record === null) return record
  const { partition: named = null, ...rest } = record as Readonly<Record<string, unknown>>
  const chosen = named ?? to
  return chosen === undefined ? rest : { ...rest, partition: chosen }
}

function shownPartition({
  partition,
  leader = -1,
  replicas,
  inSyncReplicas,
}: PartitionDetails): z.input<typeof Partition> {
  return {
    partition,
    leader,
    replicas: replicas.map((broker) => ({
      broker,
      leader: broker === leader,
      in_sync: inSyncReplicas.includes(broker),
    })),
  }
}
