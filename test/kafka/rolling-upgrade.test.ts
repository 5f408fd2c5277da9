import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { updateFeaturesV1 } from '@platformatic/kafka'
import { Streams } from 'millrace'
import { kafka } from 'millrace/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cluster } from '../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../src/kafka/cluster/connection-options.ts'
import { detectProtocol } from '../../src/kafka/group/member/detect-protocol.ts'
import { describeStreamsGroup } from '../../src/kafka/group/member/coordinator.ts'
import { newClusterId } from './broker/cluster-id.ts'
import { listenerConfig, testBrokerConfig } from './broker/config.ts'
import { brokerClassPath } from './broker/jars.ts'
import { freePort } from './broker/jvm-broker.ts'
import { JvmNode } from './broker/jvm-node.ts'
import { wordCounts } from './word-counts.ts'

const KEYS = 30
let directory: string
let node: JvmNode
let nodeOf: (version: string) => Promise<JvmNode>

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-upgrade-'))
  const [port, controllerPort] = [await freePort(), await freePort()]
  const controllers = new Map([[1, `127.0.0.1:${controllerPort}`]])
  const config = {
    ...listenerConfig({ id: 1, bindHost: '127.0.0.1', port, listener: undefined, controllers }),
    ...testBrokerConfig(1),
  }
  nodeOf = async (version) =>
    new JvmNode({
      id: 1,
      directory: join(directory, 'broker'),
      classPath: await brokerClassPath(version),
      address: `127.0.0.1:${port}`,
      config,
    })
  node = await nodeOf('3.9.1')
  await node.format(newClusterId())
  await node.start()
})

afterAll(async () => {
  await node.end('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
})

/** Upgrades the features, as `kafka-features.sh upgrade --release-version 4.3` does. */
async function upgradeFeatures(cluster: Cluster, groupId: string): Promise<void> {
  const broker = await cluster.coordinator('group', groupId)
  const { supportedFeatures = [] } = await cluster.versions(broker)
  const metadata = supportedFeatures.find(({ name }) => name === 'metadata.version')!.maxVersion
  const levels = { 'metadata.version': metadata, 'group.version': 1, 'transaction.version': 2, 'streams.version': 1 }
  for (const [feature, maxVersionLevel] of Object.entries(levels)) {
    const updates = [{ feature, maxVersionLevel, upgradeType: 1 as const }]
    const { errorCode, errorMessage } = await cluster.send(
      broker,
      'group',
      updateFeaturesV1.api,
      10_000,
      updates,
      false,
    )
    expect([feature, errorCode, errorMessage ?? '']).toEqual([feature, 0, ''])
  }
}

test('totals are exact over rolling restarts from Kafka 3.9 to 4.3, and from classic to streams groups', async () => {
  const log = kafka({ brokers: node.address, heartbeatInterval: 200 })
  const cluster = new Cluster(clusterOptions({ brokers: node.address }))
  const words = await wordCounts(log, { id: 'moving', guarantee: 'exactly_once' }, { words: KEYS, partitions: 4 })
  const { app } = words
  let written = 0
  const start = async (place: string): Promise<Streams> => {
    const streams = await Streams.start(app, { log, stateDirectory: join(directory, place) })
    await streams.whenRunning()
    return streams
  }
  const write = async (): Promise<void> => {
    written++
    await words.write()
  }
  const allCounted = async (): Promise<void> => {
    await expect.poll(words.counted, { timeout: 40_000 }).toEqual(Array.from({ length: KEYS }, () => written))
  }
  /** Restarts one instance after the other, while there is something to do. */
  const restartBoth = async ([a, b]: readonly Streams[]): Promise<Streams[]> => {
    await write()
    await a!.close()
    await write()
    const first = await start('one')
    await b!.close()
    await write()
    return [first, await start('two')]
  }

  let instances = [await start('one'), await start('two')]
  await write()
  await allCounted()

  await node.end('SIGTERM')
  node = await nodeOf('4.3.0')
  await node.start()
  await write()
  await allCounted()
  instances = await restartBoth(instances)
  await allCounted()

  await upgradeFeatures(cluster, app.id)
  instances = await restartBoth(instances)
  await allCounted()
  // While one of them is there, the others do as it does.
  expect(await detectProtocol(cluster, app.id)).toBe('classic')

  for (const streams of instances) await streams.close()
  await write()
  instances = [await start('one'), await start('two')]
  await write()
  await allCounted()
  expect((await describeStreamsGroup(cluster, app.id))?.members).toHaveLength(2)
  for (const streams of instances) await streams.close()
  await cluster.close()
  await log.close()
})
