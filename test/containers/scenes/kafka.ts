import { setTimeout as sleep } from 'node:timers/promises'
import { kafka } from 'millrace/kafka'
import { Bank, PARTITIONS } from '../bank.ts'
import { Instance } from '../instance.ts'
import { podman } from '../podman.ts'

/** ms that instances drain for. */
const DRAIN = 1000
/** The limit of memory of each container. */
const MEMORY = '400m'
const MIB = 1024 * 1024

export interface KafkaFigures {
  /** Payments in all, and those a second under load. */
  readonly payments: number
  readonly rate: number
  /** ms from `podman run` to the first record that is processed. */
  readonly firstRecords: readonly number[]
  /** ms that clean stops under load took beyond the drain. */
  readonly stops: readonly number[]
  /** MiB that each container used at most, of 400. */
  readonly memory: readonly number[]
  /** Accounts whose totals are not what was paid. */
  readonly wrong: readonly string[]
}

export interface KafkaOptions {
  readonly image: string
  readonly name: string
  readonly brokers: string
  /** Payments a second. */
  readonly rate: number
  /** ms of load between two events. */
  readonly pause: number
}

/**
 * Runs two instances under load, kills one and starts it again, scales to three and back, and stops one in the middle
 * of its work. @throws Error if one of them runs out of memory, or ends otherwise than it should
 */
export async function onKafka({ image, name, brokers, rate, pause }: KafkaOptions): Promise<KafkaFigures> {
  const log = kafka({ brokers })
  const bank = await Bank.open(log)
  const instances: Instance[] = []
  const volumes: string[] = []
  const [firstRecords, stops, memory]: [number[], number[], number[]] = [[], [], []]
  const add = async (id: string): Promise<Instance> => {
    const volume = `${name}-${id}`
    if (!volumes.includes(volume)) {
      await podman(['volume', 'create', volume])
      volumes.push(volume)
    }
    const instance = await Instance.start({
      image,
      name: volume,
      options: ['--volume', `${volume}:/data`, '--memory', MEMORY, '--memory-swap', MEMORY],
      env: { MILLRACE_KAFKA: brokers, MILLRACE_INSTANCE_ID: id, MILLRACE_DRAIN: `${DRAIN}ms` },
    })
    instances.push(instance)
    return instance
  }
  const take = async (instance: Instance, how: 'stop' | 'kill'): Promise<void> => {
    memory.push(Math.round((await instance.container.mostMemory()) / MIB))
    if (how === 'stop') stops.push((await instance.container.stop()) - DRAIN)
    else await instance.container.kill()
    const { code, isOutOfMemory } = await instance.container.ended()
    const expected = how === 'stop' ? 0 : 137
    if (isOutOfMemory || code !== expected) {
      const why = isOutOfMemory ? 'ran out of memory' : `ended with ${code}`
      throw new Error(`${instance.container.name} ${why}:\n${instance.container.output.slice(-4000)}`)
    }
    await instance.container.remove()
    instances.splice(instances.indexOf(instance), 1)
  }
  try {
    await bank.pay(PARTITIONS * 100)
    const a = await add('a')
    firstRecords.push(await a.firstRecord())
    const b = await add('b')
    await b.ready()
    await bothWork(a, b)
    bank.begin(rate)
    await sleep(pause)

    await take(a, 'kill')
    await sleep(pause)
    const again = await add('a')
    firstRecords.push(await again.firstRecord())
    await again.ready()

    const c = await add('c')
    firstRecords.push(await c.firstRecord())
    await c.ready()
    await sleep(pause)
    await take(c, 'stop')

    await take(b, 'stop')
    await sleep(pause)
    await bank.end()
    const wrong = await bank.wrong(AbortSignal.timeout(120_000))
    await take(again, 'stop')
    const rounded = (list: readonly number[]): number[] => list.map((ms) => Math.round(ms))
    return { payments: bank.written, rate, firstRecords: rounded(firstRecords), stops: rounded(stops), memory, wrong }
  } finally {
    await bank.close()
    for (const { container } of instances) await container.remove()
    for (const volume of volumes) await podman(['volume', 'rm', '--force', volume])
    await log.close()
  }
}

/** Resolves when each of the two has tasks. */
async function bothWork(...instances: readonly Instance[]): Promise<void> {
  for (const instance of instances) {
    await instance.until('has tasks', async () => (await instance.metric('millrace_tasks')) > 0)
  }
}
