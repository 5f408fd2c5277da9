import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { topicDetails, type TopicDetails } from '../../../admin/topic-details.ts'
import { isMillraceError, MillraceError } from '../../../errors/millrace-error.ts'
import { requirePartition } from '../../../log/known-topics.ts'
import type { TopicDescription } from '../../../log/log.ts'
import type { RecordSlice } from '../../../record/record-slice.ts'
import { problemPart } from '../../http/problem.ts'
import { Reply } from '../../http/reply.ts'
import { jsonAnswer, respond, route, type Route, type Served } from '../../http/route.ts'
import { confluentFailures, recordCodeOf } from './confluent.ts'
import { readableBytes } from './forms.ts'
import type { GivenRecords } from './given-records.ts'
import type { TopicSerdes } from './own-topics.ts'
import { objectsOf } from './record-bodies.ts'
import { TOPIC } from './schemas.ts'
import type { PlacedRecord, TopicProducer } from './topic-producer.ts'
import type { TopicsOfLog } from './topics-of-log.ts'

const TYPE = 'application/json'
const FORMS = { BINARY: 'base64', JSON: 'json', STRING: 'text' } as const
type Format = keyof typeof FORMS

const Related = z.object({ related: z.string() })
const RESOURCE = {
  kind: z.string(),
  metadata: z.object({ self: z.string(), resource_name: z.string().nullable() }),
  cluster_id: z.string(),
}
const Cluster = z.object({ ...RESOURCE, controller: Related.nullable(), topics: Related }).openapi('ConfluentCluster')
const Topic = z
  .object({
    ...RESOURCE,
    topic_name: z.string(),
    is_internal: z.boolean(),
    replication_factor: z.number().int(),
    partitions_count: z.number().int(),
    partitions: Related,
    configs: Related,
    partition_reassignments: Related,
  })
  .openapi('ConfluentTopicV3')
const Partition = z
  .object({
    ...RESOURCE,
    topic_name: z.string(),
    partition_id: z.number().int(),
    leader: Related.nullable(),
    replicas: Related,
  })
  .openapi('ConfluentPartitionV3')
const Config = z
  .object({
    ...RESOURCE,
    topic_name: z.string(),
    name: z.string(),
    value: z.string().nullable(),
    is_default: z.boolean(),
    is_read_only: z.boolean(),
    is_sensitive: z.boolean(),
    source: z.string(),
    synonyms: z.array(z.unknown()),
  })
  .openapi('ConfluentConfig')

function listOf(data: z.ZodType): z.ZodObject {
  return z.object({
    kind: z.string(),
    metadata: z.object({ self: z.string(), next: z.string().nullable() }),
    data: z.array(data),
  })
}

const Data = z.strictObject({ type: z.enum(['BINARY', 'JSON', 'STRING']), data: z.unknown() })
const Given = z
  .strictObject({
    partition_id: z.number().int().nonnegative().nullish(),
    headers: z.array(z.strictObject({ name: z.string(), value: z.string().nullish().describe('base64') })).nullish(),
    key: Data.nullish(),
    value: Data.nullish(),
    timestamp: z.union([z.string(), z.number()]).nullish(),
  })
  .describe('one record, or several that follow each other')
  .openapi('ConfluentRecord')
const Size = z.object({ type: z.string(), size: z.number().int() }).optional()
const Produced = z
  .object({
    error_code: z.number().int().describe('200: it was written'),
    message: z.string().optional(),
    cluster_id: z.string().optional(),
    topic_name: z.string().optional(),
    partition_id: z.number().int().nullish(),
    offset: z.number().int().nullish(),
    timestamp: z.string().optional(),
    key: Size,
    value: Size,
  })
  .describe('one for each record, in their order')
  .openapi('ConfluentProducedV3')

const SOURCES = { topic: 'DYNAMIC_TOPIC_CONFIG', broker: 'STATIC_BROKER_CONFIG', default: 'DEFAULT_CONFIG' } as const

/** Topics as version 3 of Confluent's REST Proxy has them: written, and described. */
export function confluentV3(
  { streams }: Served,
  topics: TopicsOfLog,
  records: GivenRecords,
  producer: TopicProducer,
): readonly Route[] {
  const { logger } = streams.app.settings
  const failures = confluentFailures(TYPE, logger)
  const read = { method: 'get', needs: ['read', 'topics.read'], failures } as const
  // A log that is no cluster of brokers goes by its kind.
  const id = topics.log.kind
  const CLUSTER = { cluster: z.string().describe('GET /v3/clusters has it') }
  const PATH = { ...CLUSTER, ...TOPIC }
  const at = (context: Context, cluster: string): Places => {
    if (cluster === id) return new Places(context, id)
    throw new MillraceError('MR_SERVER_ROUTE', `there is no cluster ${JSON.stringify(cluster)}`, {
      hint: `It is ${id}: GET /v3/clusters has it.`,
    })
  }
  const shownTopic = (places: Places, topic: TopicDetails): z.input<typeof Topic> => ({
    ...places.resource('KafkaTopic', 'topics', topic.name),
    topic_name: topic.name,
    is_internal: topics.isInternal(topic.name),
    replication_factor: topic.partitions[0]?.replicas.length ?? 0,
    partitions_count: topic.partitions.length,
    partitions: places.related('topics', topic.name, 'partitions'),
    configs: places.related('topics', topic.name, 'configs'),
    partition_reassignments: places.related('topics', topic.name, 'partitions', '-', 'reassignment'),
  })
  const detailsOf = (topic: TopicDescription): Promise<TopicDetails> => topicDetails(topics.log, topic)
  return [
    route({
      ...read,
      path: '/v3/clusters',
      summary: 'The cluster of the log, as Confluent REST Proxy v3 has it',
      answers: { 200: jsonAnswer('one cluster', listOf(Cluster)) },
      answer: ({ context }) => new Places(context, id).list('KafkaClusterList', [cluster(new Places(context, id))]),
    }),
    route({
      ...read,
      path: '/v3/clusters/{cluster}',
      summary: 'The cluster of the log, as Confluent REST Proxy v3 has it',
      parameters: CLUSTER,
      answers: { 200: jsonAnswer('the cluster', Cluster) },
      answer: ({ path, context }) => respond(Cluster, cluster(at(context, path.cluster))),
    }),
    route({
      ...read,
      path: '/v3/clusters/{cluster}/topics',
      summary: 'The topics, as Confluent REST Proxy v3 has them',
      parameters: CLUSTER,
      answers: { 200: jsonAnswer('the topics', listOf(Topic)) },
      async answer({ path, context, rights }) {
        const places = at(context, path.cluster)
        const found = await topics.log.describeTopics(await topics.names(rights))
        const details = await Promise.all([...found.values()].map(detailsOf))
        const sorted = details.toSorted((a, b) => (a.name < b.name ? -1 : 1))
        return places.list(
          'KafkaTopicList',
          sorted.map((each) => shownTopic(places, each)),
          'topics',
        )
      },
    }),
    route({
      ...read,
      path: '/v3/clusters/{cluster}/topics/{topic}',
      summary: 'A topic, as Confluent REST Proxy v3 has it',
      parameters: PATH,
      answers: { 200: jsonAnswer('the topic', Topic) },
      async answer({ path, context, rights }) {
        const places = at(context, path.cluster)
        return respond(Topic, shownTopic(places, await detailsOf(await topics.readable(path.topic, rights))))
      },
    }),
    route({
      ...read,
      path: '/v3/clusters/{cluster}/topics/{topic}/partitions',
      summary: 'The partitions of a topic, as Confluent REST Proxy v3 has them',
      parameters: PATH,
      answers: { 200: jsonAnswer('the partitions', listOf(Partition)) },
      async answer({ path: { cluster, topic }, context, rights }) {
        const places = at(context, cluster)
        const { partitions } = await detailsOf(await topics.readable(topic, rights))
        const shown = partitions.map(({ partition, leader }) => places.partition(topic, partition, leader))
        return places.list('KafkaPartitionList', shown, 'topics', topic, 'partitions')
      },
    }),
    route({
      ...read,
      path: '/v3/clusters/{cluster}/topics/{topic}/partitions/{partition}',
      summary: 'A partition of a topic, as Confluent REST Proxy v3 has it',
      parameters: {
        ...PATH,
        partition: z
          .string()
          .regex(/^\d{1,9}$/, 'a whole number')
          .transform(Number),
      },
      answers: { 200: jsonAnswer('the partition', Partition) },
      async answer({ path: { cluster, topic, partition }, context, rights }) {
        const places = at(context, cluster)
        const described = await topics.readable(topic, rights)
        requirePartition(described, partition)
        const { partitions } = await detailsOf(described)
        return respond(Partition, places.partition(topic, partition, partitions[partition]?.leader))
      },
    }),
    route({
      ...read,
      path: '/v3/clusters/{cluster}/topics/{topic}/configs',
      summary: 'The configs of a topic, as Confluent REST Proxy v3 has them',
      parameters: PATH,
      answers: { 200: jsonAnswer('the configs', listOf(Config)) },
      async answer({ path: { cluster, topic }, context, rights }) {
        const places = at(context, cluster)
        const { configs } = await detailsOf(await topics.readable(topic, rights))
        const shown = [...configs].map(([name, { value, source }]): z.input<typeof Config> => ({
          ...places.resource('KafkaTopicConfig', 'topics', topic, 'configs', name),
          topic_name: topic,
          name,
          value,
          is_default: source === 'default',
          is_read_only: false,
          is_sensitive: false,
          source: SOURCES[source],
          synonyms: [],
        }))
        return places.list('KafkaTopicConfigList', shown, 'topics', topic, 'configs')
      },
    }),
    route({
      method: 'post',
      path: '/v3/clusters/{cluster}/topics/{topic}/records',
      needs: ['read', 'topics.write'],
      failures,
      summary: 'Writes records, as Confluent REST Proxy v3 does',
      parameters: PATH,
      bodies: { [TYPE]: Given },
      answers: { 200: jsonAnswer('a report for each record', Produced) },
      async answer({ path: { cluster, topic: name }, sent, context, rights }) {
        at(context, cluster)
        const topic = await topics.writable(name, rights)
        const serdes = topics.own.get(name)?.serdes
        const given = objectsOf(sent.text)
        const reads = given.map((record) => readOne(records, topic, record, serdes))
        const [only, second] = reads
        if (isMillraceError(only) && second === undefined) throw only
        const good = reads.filter((each): each is ReadOne => !isMillraceError(each))
        const outcomes = (
          await producer.write(
            name,
            good.map(({ placed }) => placed),
          )
        ).values()
        const reports = reads.map((each): z.input<typeof Produced> => {
          const outcome = isMillraceError(each) ? each : outcomes.next().value!
          if (isMillraceError(outcome)) {
            return { error_code: recordCodeOf(outcome), message: problemPart(outcome, logger).detail }
          }
          const { placed, ...formats } = each as ReadOne
          const { slice } = placed
          return {
            error_code: 200,
            cluster_id: id,
            topic_name: name,
            partition_id: outcome.partition,
            offset: outcome.offset,
            timestamp: new Date(slice.timestamp).toISOString(),
            ...sizesOf(slice, formats),
          }
        })
        return new Reply(200, { 'content-type': TYPE }, reports.map((each) => JSON.stringify(each)).join('\n'))
      },
    }),
  ]
}

interface ReadOne {
  readonly placed: PlacedRecord
  readonly key: Format | undefined
  readonly value: Format | undefined
}

/** Reads one record; what is wrong with it is its own error. */
function readOne(
  records: GivenRecords,
  topic: TopicDescription,
  given: unknown,
  serdes: TopicSerdes | undefined,
): ReadOne | MillraceError {
  const { success, data, error } = Given.safeParse(given)
  if (!success) {
    const [issue] = error.issues
    return new MillraceError(
      'MR_SERVER_RECORD',
      `the record does not fit at ${issue?.path.join('.')}: ${issue?.message}`,
      {
        topic: topic.name,
        hint: 'See GET /openapi.json for what a record has.',
      },
    )
  }
  const { partition_id: partition, headers, key, value, timestamp } = data
  const record = {
    ...(typeof partition === 'number' ? { partition } : {}),
    headers: headers?.map((header) => [header.name, header.value == null ? null : { base64: header.value }]),
    key: key?.data,
    value: value?.data,
    timestamp,
  }
  const bytesOf = (part: 'key' | 'value', format: Format | undefined) =>
    readableBytes(FORMS[format ?? 'JSON'], serdes?.[part])
  try {
    const [placed] = records.read(topic, [record], bytesOf('key', key?.type), bytesOf('value', value?.type))
    return { placed: placed!, key: key?.type, value: value?.type }
  } catch (thrown) {
    if (isMillraceError(thrown)) return thrown
    throw thrown
  }
}

function sizesOf(
  { keyLength, valueLength }: RecordSlice,
  { key, value }: Omit<ReadOne, 'placed'>,
): Pick<z.input<typeof Produced>, 'key' | 'value'> {
  return {
    ...(key === undefined ? {} : { key: { type: key, size: Math.max(0, keyLength) } }),
    ...(value === undefined ? {} : { value: { type: value, size: Math.max(0, valueLength) } }),
  }
}

function cluster(places: Places): z.input<typeof Cluster> {
  return { ...places.resource('KafkaCluster'), controller: null, topics: places.related('topics') }
}

/** Where resources are, by URL and by name. */
class Places {
  readonly #origin: string
  readonly #cluster: string

  constructor({ req }: Context, cluster: string) {
    this.#origin = new URL(req.url).origin
    this.#cluster = cluster
  }

  url(...path: readonly string[]): string {
    return [`${this.#origin}/v3/clusters`, this.#cluster, ...path].join('/')
  }

  related(...path: readonly string[]): { readonly related: string } {
    return { related: this.url(...path) }
  }

  resource(kind: string, ...path: readonly string[]) {
    let name = `crn:///kafka=${this.#cluster}`
    for (let i = 0; i + 1 < path.length; i += 2) name += `/${path[i]!.replace(/s$/, '')}=${path[i + 1]}`
    return { kind, metadata: { self: this.url(...path), resource_name: name }, cluster_id: this.#cluster }
  }

  partition(topic: string, partition: number, leader: number | undefined): z.input<typeof Partition> {
    const path = ['topics', topic, 'partitions', String(partition)]
    return {
      ...this.resource('KafkaPartition', ...path),
      topic_name: topic,
      partition_id: partition,
      leader: leader === undefined ? null : this.related(...path, 'replicas', String(leader)),
      replicas: this.related(...path, 'replicas'),
    }
  }

  list(kind: string, data: readonly object[], ...path: readonly string[]): Reply {
    const self = kind === 'KafkaClusterList' ? `${this.#origin}/v3/clusters` : this.url(...path)
    return Reply.json({ kind, metadata: { self, next: null }, data })
  }
}
