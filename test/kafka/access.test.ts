import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import {
  AclOperations,
  AclPermissionTypes,
  alterUserScramCredentialsV0,
  createAclsV3,
  ResourcePatternTypes,
  ResourceTypes,
  ScramMechanisms,
} from '@platformatic/kafka'
import type { SASLOptions } from '@platformatic/kafka'
import { defineApp, Headers, long, readTopic, replayDeadLetters, Streams, string, topic, TopicWriter } from 'millrace'
import type { Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { TopicAdmin } from '../../src/kafka/admin/topic-admin.ts'
import { alterConfigs, describeConfigs } from '../../src/kafka/admin/admin-configs.ts'
import { Cluster } from '../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../src/kafka/cluster/connection-options.ts'
import { forgetTopology } from '../../src/kafka/group/member/change-topology.ts'
import { commitOffsets } from '../../src/kafka/group/member/offsets.ts'
import { IdempotentSession } from '../../src/kafka/produce/producer-session.ts'
import { TransactionRequests } from '../../src/kafka/transaction/transaction-requests.ts'
import { PartitionMap } from '../../src/log/log.ts'
import type { CommittedOffset } from '../../src/log/log.ts'
import { append, committedRecords } from '../log/log-harness.ts'
import { startBroker } from './broker/index.ts'
import type { PrivateBroker } from './broker/index.ts'
import { freePort } from './broker/jvm-broker.ts'

const SECRET = 'hunter2-is-a-secret'
let broker: PrivateBroker
let brokers: string
let admin: Log
let cluster: Cluster
let directory: string

beforeAll(async () => {
  const port = await freePort()
  brokers = `127.0.0.1:${port}`
  const jaas = (module: string, rest = '') => `org.apache.kafka.common.security.${module} required ${rest};`
  broker = await startBroker({
    listener: { protocol: 'SASL_PLAINTEXT', port },
    config: {
      'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      'listener.name.extra.plain.sasl.jaas.config': jaas('plain.PlainLoginModule', `user_paula="${SECRET}"`),
      'listener.name.extra.scram-sha-256.sasl.jaas.config': jaas('scram.ScramLoginModule'),
      'listener.name.extra.scram-sha-512.sasl.jaas.config': jaas('scram.ScramLoginModule'),
      'listener.name.extra.oauthbearer.sasl.jaas.config': jaas(
        'oauthbearer.OAuthBearerLoginModule',
        'unsecuredLoginStringClaim_sub="broker"',
      ),
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // Clients of the plain listener, the broker itself included.
      'super.users': 'User:ANONYMOUS',
    },
  })
  admin = kafka({ brokers: broker.brokers })
  cluster = new Cluster(clusterOptions({ brokers: broker.brokers }))
  directory = mkdtempSync(join(tmpdir(), 'millrace-access-'))
})

afterAll(async () => {
  await admin.close()
  await cluster.close()
  await broker.stop()
  rmSync(directory, { recursive: true, force: true })
})

function someBroker(): Promise<number> {
  return cluster.retrying({ what: 'finding a broker' }, () => cluster.coordinator('group', 'any'))
}

/** A user with a password for SCRAM. */
async function addUser(name: string): Promise<void> {
  const node = await someBroker()
  const upserts = [
    ['sha256', 32, ScramMechanisms.SCRAM_SHA_256],
    ['sha512', 64, ScramMechanisms.SCRAM_SHA_512],
  ] as const
  for (const [digest, length, mechanism] of upserts) {
    const salt = randomBytes(16)
    const saltedPassword = pbkdf2Sync(SECRET, salt, 4096, length, digest)
    const { results } = await cluster.send(
      node,
      'group',
      alterUserScramCredentialsV0.api,
      [],
      [{ name, mechanism, iterations: 4096, salt, saltedPassword }],
    )
    expect(results[0]?.errorCode).toBe(0)
  }
}

type Resource = 'TOPIC' | 'GROUP' | 'TRANSACTIONAL_ID'
type Operation = 'READ' | 'WRITE' | 'DESCRIBE' | 'CREATE'

async function allow(
  user: string,
  operation: Operation,
  resource: Resource,
  name: string,
  prefixed = false,
): Promise<void> {
  const node = await someBroker()
  const acl = {
    resourceType: ResourceTypes[resource],
    resourceName: name,
    resourcePatternType: prefixed ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
    principal: `User:${user}`,
    host: '*',
    operation: AclOperations[operation],
    permissionType: AclPermissionTypes.ALLOW,
  }
  const { results } = await cluster.send(node, 'group', createAclsV3.api, [acl])
  expect(results[0]?.errorCode).toBe(0)
}

/** A token that names its user, unsigned. Brokers without an identity provider believe it. */
function unsecuredToken(subject: string): string {
  const part = (fields: object): string => Buffer.from(JSON.stringify(fields)).toString('base64url')
  const now = Math.floor(Date.now() / 1000)
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now, exp: now + 3600 })}.`
}

/** Returns everything that could be printed of a value. */
function shown(value: unknown): string {
  return inspect(value, { depth: 12, showHidden: true })
}

describe('a login', () => {
  const password = { password: SECRET }
  const logins: readonly [title: string, user: string, right: SASLOptions, wrong: SASLOptions][] = [
    [
      'PLAIN',
      'paula',
      { mechanism: 'PLAIN', username: 'paula', ...password },
      { mechanism: 'PLAIN', username: 'paula', password: `not-${SECRET}` },
    ],
    [
      'SCRAM-SHA-256',
      'sam',
      { mechanism: 'SCRAM-SHA-256', username: 'sam', ...password },
      { mechanism: 'SCRAM-SHA-256', username: 'sam', password: `not-${SECRET}` },
    ],
    [
      'SCRAM-SHA-512',
      'sally',
      { mechanism: 'SCRAM-SHA-512', username: 'sally', ...password },
      { mechanism: 'SCRAM-SHA-512', username: 'sally', password: `not-${SECRET}` },
    ],
    [
      'OAUTHBEARER',
      'olga',
      { mechanism: 'OAUTHBEARER', token: () => unsecuredToken('olga') },
      { mechanism: 'OAUTHBEARER', token: `${SECRET}.no.token` },
    ],
  ]

  it.each(logins)(
    'by %s is taken if it is right, else refused, and what it was is shown nowhere',
    async (_title, user, right, wrong) => {
      if (right.mechanism.startsWith('SCRAM')) await addUser(user)
      const name = `of-${user}`
      await admin.createTopics([{ name, partitions: 1 }])
      for (const operation of ['READ', 'WRITE'] as const) await allow(user, operation, 'TOPIC', name)
      const log = kafka({ brokers, sasl: right })
      const producer = log.openProducer()
      append(producer, name, 0, 'key', 'value')
      await producer.flush()
      await producer.close()
      expect(await committedRecords(log, name, 0)).toMatchObject([{ key: 'key', value: 'value' }])
      expect(shown(log)).not.toContain(SECRET)
      await log.close()

      const stranger = kafka({ brokers, sasl: wrong, apiTimeout: 1_000 })
      const error: unknown = await Promise.resolve(stranger.describeTopics([name])).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      expect(error).toMatchObject({ code: 'MR_AUTHENTICATION', hint: expect.stringContaining('password') })
      expect(shown(error)).not.toContain(SECRET)
      await stranger.close()
    },
  )
})

describe('a missing permission', () => {
  it.each(['at_least_once', 'exactly_once'] as const)(
    'ends the application with the resource and the permission, one after the other until it has all, %s',
    async (guarantee) => {
      const id = `allowed-${guarantee.replaceAll('_', '-')}`
      const user = `${id}-user`
      await addUser(user)
      const words = topic(`words-of-${id}`, { key: string(), value: string() })
      const counts = topic(`counts-of-${id}`, { key: string(), value: long() })
      await admin.createTopics([words, counts].map(({ name }) => ({ name, partitions: 1 })))
      const writer = await TopicWriter.open(admin, words)
      writer.write('word', '')
      await writer.close()
      const logged: unknown[] = []
      const note = (...line: unknown[]): void => void logged.push(line)
      const app = defineApp({
        id,
        guarantee,
        commitInterval: 50,
        logger: { debug: note, info: note, warn: note, error: note },
        build: (builder) => {
          builder.stream(words).groupByKey().count({ store: 'counts' }).toStream().to(counts)
        },
      })
      const open = (): Log => kafka({ brokers, sasl: { mechanism: 'SCRAM-SHA-512', username: user, password: SECRET } })
      const failure = async (): Promise<unknown> => {
        const log = open()
        try {
          const streams = await Streams.start(app, { log, stateDirectory: directory })
          await streams.closed
          return undefined
        } catch (error) {
          return error
        } finally {
          await log.close()
        }
      }
      const refused = async (code: string, resource: string, permission: string): Promise<void> => {
        const error = await failure()
        expect(error).toMatchObject({
          code,
          message: expect.stringContaining(resource),
          hint: expect.stringContaining(permission),
        })
        expect(shown(error)).not.toContain(SECRET)
      }

      await refused('MR_AUTHORIZATION', `group ${id}`, 'Read on the group')
      await allow(user, 'READ', 'GROUP', id)
      if (guarantee === 'exactly_once') {
        await refused('MR_AUTHORIZATION', `transactional id ${id}-`, 'Write on transactional ids')
        await allow(user, 'WRITE', 'TRANSACTIONAL_ID', `${id}-`, true)
      }
      await refused('MR_AUTHORIZATION', words.name, 'Describe and Read')
      await allow(user, 'READ', 'TOPIC', words.name)
      await refused('MR_AUTHORIZATION', words.name, `topics that begin with ${id}-`)
      for (const operation of ['CREATE', 'READ', 'WRITE'] as const)
        await allow(user, operation, 'TOPIC', `${id}-`, true)
      await refused('MR_AUTHORIZATION', counts.name, 'Write on topics that are written')
      await allow(user, 'DESCRIBE', 'TOPIC', counts.name)
      await refused('MR_PRODUCE', counts.name, 'Write')
      await allow(user, 'WRITE', 'TOPIC', counts.name)

      const log = open()
      const streams = await Streams.start(app, { log, stateDirectory: directory })
      const counted = async (): Promise<unknown[]> => {
        const found: unknown[] = []
        for await (const { value } of readTopic(admin, counts, { until: 'end' })) found.push(value)
        return found
      }
      await expect.poll(counted, { timeout: 20_000 }).toHaveLength(1)
      // At least once: the changelog may have counted it already when the output was refused.
      if (guarantee === 'exactly_once') expect(await counted()).toEqual([1])
      await streams.close()
      await log.close()
      expect(logged.length).toBeGreaterThan(0)
      expect(shown(logged)).not.toContain(SECRET)
    },
  )

  it('ends a replay of dead letters, until the user has all that the documentation names', async () => {
    const id = 'replaying'
    await addUser(id)
    const payments = topic('payments-of-replaying', { key: string(), value: string() })
    const rejected = topic('rejected-of-replaying', { key: string(), value: string() })
    await admin.createTopics([payments, rejected].map(({ name }) => ({ name, partitions: 1 })))
    const headers = new Headers()
      .add('__streams.errors.topic', payments.name)
      .add('__streams.errors.partition', '0')
      .add('__streams.errors.offset', '0')
    const writer = await TopicWriter.open(admin, rejected)
    writer.write('k', 'v', { headers })
    await writer.close()
    const app = defineApp({
      id,
      deadLetterTopic: rejected.name,
      build: (builder) => builder.stream(payments).forEach(() => {}),
    })
    const log = kafka({ brokers, sasl: { mechanism: 'SCRAM-SHA-512', username: id, password: SECRET } })
    const replay = (): Promise<unknown> => replayDeadLetters(app, log, [`${rejected.name}-0-0`])
    const permissions = [
      ['READ', 'GROUP', id, `group ${id}`],
      ['WRITE', 'TRANSACTIONAL_ID', `${id}-dead-letters`, `transactional id ${id}-dead-letters`],
      ['READ', 'TOPIC', rejected.name, rejected.name],
      ['DESCRIBE', 'TOPIC', payments.name, payments.name],
      ['WRITE', 'TOPIC', payments.name, payments.name],
      ['WRITE', 'TOPIC', rejected.name, rejected.name],
    ] as const
    for (const [operation, resource, name, named] of permissions) {
      await expect(replay()).rejects.toMatchObject({
        code: expect.stringMatching(/^MR_(AUTHORIZATION|PRODUCE)$/),
        message: expect.stringContaining(named),
      })
      await allow(id, operation, resource, name)
    }
    await replay()
    const found: unknown[] = []
    for await (const { key, value } of readTopic(admin, payments, { until: 'end' })) found.push([key, value])
    expect(found).toEqual([['k', 'v']])
    await log.close()
  })
})

describe('each request that is refused says which permission is missing, and on what', () => {
  const [topic, group, id] = ['not-for-nobody', 'not-of-nobody', 'not-id-of-nobody']
  const place = [{ topic, partition: 0 }]
  const offsets = new PartitionMap<CommittedOffset>().set(topic, 0, { offset: 1, metadata: '' })
  const identity = { producerId: 1, epoch: 0 }

  async function refused(user: string, requests: (log: Log, own: Cluster) => Record<string, (() => unknown)[]>) {
    const options = { brokers, sasl: { mechanism: 'SCRAM-SHA-256', username: user, password: SECRET } } as const
    const [log, own] = [kafka(options), new Cluster(clusterOptions(options))]
    for (const [lacks, each] of Object.entries(requests(log, own))) {
      for (const request of each) {
        const error: unknown = await (async () => request())().then(
          () => `nothing refused ${request}`,
          (reason: unknown) => reason,
        )
        expect(error).toMatchObject({
          code: 'MR_AUTHORIZATION',
          message: expect.stringContaining(`this user lacks ${lacks}`),
          hint: expect.stringContaining('Give this user'),
        })
      }
    }
    await log.close()
    await own.close()
  }

  it('to a user without any', async () => {
    await addUser('nobody')
    await admin.createTopics([{ name: topic, partitions: 1 }])
    await refused('nobody', (log, own) => ({
      [`Describe on topic ${topic}`]: [
        () => log.describeTopics([topic]),
        () => log.listOffsets(place, 'latest'),
        () => log.deleteRecords(new PartitionMap<number>().set(topic, 0, 1)),
        () => log.deleteTopics([topic]),
      ],
      'Create on topic new-of-nobody': [() => log.createTopics([{ name: 'new-of-nobody', partitions: 1 }])],
      [`Alter on topic ${topic}`]: [() => new TopicAdmin(own).createPartitions(topic, 2)],
      [`DescribeConfigs on topic ${topic}`]: [() => describeConfigs(own, 'topic', topic)],
      [`AlterConfigs on topic ${topic}`]: [() => alterConfigs(own, 'topic', topic, { 'retention.ms': '1' })],
      [`Describe on group ${group}`]: [
        () => log.groupMembers(group),
        () => log.committedOffsets(group, place),
        () => log.commitOffsets(group, offsets),
        () => log.deleteGroup(group),
      ],
      [`DescribeConfigs on group ${group}`]: [() => describeConfigs(own, 'group', group)],
      [`AlterConfigs on group ${group}`]: [
        () => alterConfigs(own, 'group', group, { 'streams.num.standby.replicas': '1' }),
      ],
      [`Describe on transactional id ${id}`]: [() => own.coordinator('transaction', id)],
      'IdempotentWrite on the cluster': [() => new IdempotentSession(own, own.closed).prepare()],
    }))
  })

  it('to a user who may only look', async () => {
    await addUser('looker')
    await allow('looker', 'DESCRIBE', 'TOPIC', topic)
    await allow('looker', 'DESCRIBE', 'GROUP', group)
    await allow('looker', 'DESCRIBE', 'TRANSACTIONAL_ID', id)
    await refused('looker', (log, own) => {
      const transaction = new TransactionRequests(own, id)
      return {
        [`Delete on topic ${topic}`]: [
          () => log.deleteRecords(new PartitionMap<number>().set(topic, 0, 1)),
          () => log.deleteTopics([topic]),
        ],
        [`Read on group ${group}`]: [
          () => commitOffsets(own, group, undefined, offsets),
          () => forgetTopology(own, group),
        ],
        [`Delete on group ${group}`]: [() => log.deleteGroup(group)],
        [`Write on transactional id ${id}`]: [
          () => transaction.initProducerId(),
          () => transaction.addPartitions(identity, place),
          () => transaction.addOffsets(identity, group),
          () => transaction.commitOffsets(identity, group, undefined, offsets),
          () => transaction.end(identity, true),
        ],
      }
    })
  })
})
