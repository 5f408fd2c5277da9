import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { listTransactionsV0 } from '@platformatic/kafka'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Cluster } from '../../src/kafka/cluster/cluster.ts'
import { clusterOptions } from '../../src/kafka/cluster/connection-options.ts'
import { ProxiedBrokers } from './kit/brokers.ts'
import { runRound } from './rounds/round.ts'
import type { RunningBank } from './rounds/round.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-three-brokers-'))
let brokers: ProxiedBrokers
let cluster: Cluster

beforeAll(async () => {
  brokers = await ProxiedBrokers.start(3)
  cluster = new Cluster(clusterOptions({ brokers: brokers.addresses }))
})

afterAll(async () => {
  await cluster.close()
  await brokers.stop()
  rmSync(directory, { recursive: true, force: true })
})

async function leaderOf(topic: string, partition: number): Promise<number> {
  const found = await cluster.retrying({ what: 'finding a leader' }, () => cluster.refresh([topic]))
  return found.get(topic)!.partitions[partition]!.leader
}

async function groupCoordinator(applicationId: string): Promise<number> {
  cluster.forgetCoordinator('group', applicationId)
  return cluster.retrying({ what: 'finding a coordinator' }, () => cluster.coordinator('group', applicationId))
}

/** Finds the coordinator of one of the application's threads: each has a transactional id of its own. */
async function transactionCoordinator(applicationId: string): Promise<number> {
  await cluster.retrying({ what: 'finding the brokers' }, () => cluster.refresh(['__transaction_state']))
  for (const { id } of brokers.nodes) {
    const { transactionStates } = await cluster.send(id, 'admin', listTransactionsV0.api, [], [], 0n, null)
    if (transactionStates.some(({ transactionalId }) => transactionalId.startsWith(applicationId))) return id
  }
  throw new Error('no broker coordinates a transactional id of the application')
}

test('nothing is lost or doubled when partition leaders or the coordinators of group or transactions die', async () => {
  const killed: string[] = []
  const killLeaders = async ({ applicationId, topics, note }: RunningBank): Promise<void> => {
    const roles = {
      'an input': () => leaderOf(topics.payments.name, 0),
      'a changelog': () => leaderOf(`${applicationId}-totals-changelog`, 1),
      'the group': () => groupCoordinator(applicationId),
      transactions: () => transactionCoordinator(applicationId),
    }
    for (const [role, find] of Object.entries(roles)) {
      await sleep(1000)
      const id = await find()
      const node = brokers.nodes.find((each) => each.id === id)!
      note(`broker ${id} dies, which leads or coordinates ${role}`)
      killed.push(role)
      await brokers.restart(node, 'kill', 1000)
      note(`broker ${id} is back`)
    }
  }
  const { lost, doubled, examples, payments } = await runRound(brokers, {
    seed: 1,
    guarantee: 'exactly_once',
    groupProtocol: 'streams',
    faults: killLeaders,
    directory,
  })
  expect(examples).toEqual([])
  expect({ lost, doubled }).toEqual({ lost: 0, doubled: 0 })
  expect(killed).toHaveLength(4)
  expect(payments).toBeGreaterThan(1000)
}, 240_000)
