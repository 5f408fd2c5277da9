import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { kafka } from '../../src/kafka/index.ts'
import { freePort } from '../../test/kafka/broker/jvm-broker.ts'
import { startBenchBroker } from '../side-by-side/rig/broker.ts'
import { createTopic, fill, PARTITIONS } from '../side-by-side/rig/topics.ts'
import { payments } from '../side-by-side/rig/workloads.ts'
import { startClient } from './client-process.ts'
import { ACCOUNTS } from './idle.ts'
import type { InstanceSettings } from './instance.ts'
import { ofTimes, type Row } from './verdict.ts'

const MAIN = join(import.meta.dirname, 'instance.ts')
/** So many that every account has some. */
const RECORDS = 200_000
const REQUESTS = 20_000
const PATIENCE = 60_000

interface Known {
  readonly instances: readonly { readonly isLocal: boolean; readonly active: readonly string[] }[]
}

/** Point queries of one of two idle instances: of its own keys, and of those of the other one. */
export async function hop(directory: string): Promise<Row[]> {
  mkdirSync(directory, { recursive: true })
  const broker = await startBenchBroker(join(directory, 'broker'))
  const { brokers } = broker
  const instances: ChildProcess[] = []
  try {
    const log = kafka({ brokers })
    await fill(log, 'in', RECORDS, payments(ACCOUNTS).record)
    await createTopic(log, 'out')
    await log.close()
    const ports = [await freePort(), await freePort()]
    for (const [index, port] of ports.entries()) {
      const stateDirectory = join(directory, String(index))
      instances.push(startInstance({ id: 'hop', brokers, stateDirectory, port }))
    }
    const url = `http://127.0.0.1:${ports[0]}`
    const own = await ownPartitions(url)
    const others = Array.from({ length: PARTITIONS }, (_, partition) => partition).filter((each) => !own.includes(each))
    const rows: Row[] = []
    for (const [what, partitions, bounds] of [
      ['by HTTP, on Kafka', own, undefined],
      ['by HTTP and one hop, on Kafka', others, { p99: 4 }],
    ] as const) {
      const among = { partitions, of: PARTITIONS }
      const task = { url, store: 'acc', kind: 'points', accounts: ACCOUNTS, among, warmUp: 1000 } as const
      const { failed, statuses, ...times } = await startClient({ ...task, requests: REQUESTS }).report
      if (failed > 0) throw new Error(`${failed} requests failed: ${statuses.join(', ')}`)
      rows.push(ofTimes(`point query, idle, ${what}`, times, bounds))
    }
    return rows
  } finally {
    await Promise.all(instances.map(ended))
    await broker.stop()
  }
}

function startInstance(settings: InstanceSettings): ChildProcess {
  const child = spawn(process.execPath, ['--conditions=millrace-source', MAIN, JSON.stringify(settings)], {
    stdio: 'inherit',
    env: { ...process.env, NODE_OPTIONS: '', MILLRACE_BENCH_PEER_TOKEN: 'the-instances-of-this-benchmark' },
  })
  process.once('exit', () => void child.kill('SIGKILL'))
  return child
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const end = once(child, 'exit')
  child.kill('SIGTERM')
  await end
}

/** Waits until both instances have tasks, all in all, and returns the partitions of the one that is asked. */
async function ownPartitions(url: string): Promise<number[]> {
  const deadline = performance.now() + PATIENCE
  while (performance.now() < deadline) {
    await pause(200)
    const response = await fetch(`${url}/v1/instances`).catch(() => undefined)
    if (response?.ok !== true) continue
    const { instances } = (await response.json()) as Known
    const shares = instances.map(({ active }) => active.length)
    const tasks = shares.reduce((all, share) => all + share, 0)
    if (instances.length !== 2 || tasks !== PARTITIONS || shares.includes(0)) continue
    // Until everything is processed and committed.
    await pause(5000)
    return instances
      .filter(({ isLocal }) => isLocal)
      .flatMap(({ active }) => active)
      .map((task) => Number(task.split('_')[1]))
  }
  throw new Error('the two instances do not share the tasks')
}
