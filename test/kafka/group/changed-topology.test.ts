import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, long, readTopic, Streams, string, topic, TopicWriter } from 'millrace'
import type { AppConfig, Application, Log, RestoreListener, RestoreProgress } from 'millrace'
import { kafka } from 'millrace/kafka'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sharedBroker, uniqueName } from '../broker/index.ts'

const KEYS = 10
const logs: Log[] = []
let brokers: string
let data: string

beforeAll(async () => {
  brokers = await sharedBroker()
  data = mkdtempSync(join(tmpdir(), 'millrace-changed-'))
})
afterAll(async () => {
  for (const log of logs) await log.close()
  rmSync(data, { recursive: true, force: true })
})

interface Line {
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

describe.each(['streams', 'classic'] as const)(
  'an application of a %s group whose topology changed',
  (groupProtocol) => {
    function open(): Log {
      const log = kafka({ brokers, groupProtocol, heartbeatInterval: 200 })
      logs.push(log)
      return log
    }

    /** Makes an application that counts words, and a later version that also counts those that are `first`. */
    async function versions(log: Log) {
      const id = uniqueName('changed')
      const words = topic(`${id}-words`, { key: string(), value: string() })
      const counts = topic(`${id}-counts`, { key: string(), value: long() })
      const firsts = topic(`${id}-firsts`, { key: string(), value: long() })
      await log.createTopics([words, counts, firsts].map(({ name }) => ({ name, partitions: 2 })))
      const said: Line[] = []
      const say = (fields: object, message: string): void => void said.push({ message, fields: { ...fields } })
      const logger = { debug: () => {}, info: () => {}, warn: say, error: say }
      const common = { id, commitInterval: 50, logger }
      const counting: AppConfig['build'] = (builder) => {
        builder.stream(words).groupByKey().count({ store: 'counts' }).toStream().to(counts)
      }
      const before = defineApp({ ...common, build: counting })
      const after = (rest: Partial<AppConfig> = {}): Application =>
        defineApp({
          ...common,
          ...rest,
          build: (builder) => {
            const all = builder.stream(words)
            all.groupByKey().count({ store: 'counts' }).toStream().to(counts)
            all
              .filter((value) => value === 'first')
              .groupByKey()
              .count({ store: 'firsts' })
              .toStream()
              .to(firsts)
          },
        })
      return {
        before,
        after,
        said,
        start: (app: Application, place: string, onRestore?: RestoreListener) =>
          Streams.start(app, {
            log,
            stateDirectory: join(data, id, place),
            ...(onRestore === undefined ? {} : { onRestore }),
          }),
        async write(value: string): Promise<void> {
          await using writer = await TopicWriter.open(log, words)
          for (let i = 0; i < KEYS; i++) writer.write(`word-${i}`, value)
          await writer.flush()
        },
        async counted(of: 'counts' | 'firsts'): Promise<number[]> {
          const last = new Map<string | null, number>()
          const output = of === 'counts' ? counts : firsts
          for await (const { key, value } of readTopic(log, output, { until: 'end' })) last.set(key, value ?? 0)
          return [...last.values()]
        },
      }
    }
    const each = (count: number): number[] => Array.from({ length: KEYS }, () => count)

    it('continues where it was after a stateful operator was added, and keeps its other stores', async () => {
      const { before, after, start, write, counted } = await versions(open())
      await write('first')
      await write('more')
      const old = await start(before, 'one')
      await expect.poll(() => counted('counts'), { timeout: 20_000 }).toEqual(each(2))
      await old.close()
      const restored: RestoreProgress[] = []
      const changed = await start(after(), 'one', (_event, progress) => restored.push(progress))
      await changed.whenRunning()
      await write('first')
      await expect.poll(() => counted('counts'), { timeout: 20_000 }).toEqual(each(3))
      // Records that were read before the operator was there are not read again.
      await expect.poll(() => counted('firsts'), { timeout: 20_000 }).toEqual(each(1))
      expect(restored.filter(({ store, from, end }) => store === 'counts' && from < end)).toEqual([])
      await changed.close()
    })

    it('waits for instances of the old topology, names them once, and takes over when they have gone', async () => {
      const { before, after, start, write, counted, said } = await versions(open())
      await write('first')
      const old = await start(before, 'one')
      await expect.poll(() => counted('counts'), { timeout: 20_000 }).toEqual(each(1))
      const changed = await start(after(), 'two')
      const waiting = () => said.filter(({ message }) => message.startsWith('waiting for the instances'))
      await expect.poll(waiting, { timeout: 20_000 }).toHaveLength(1)
      expect(waiting()[0]!.fields['err']).toMatchObject({
        code: 'MR_TOPOLOGY_CHANGED',
        message: expect.stringContaining(`${before.id}-`),
      })
      await write('second')
      await expect.poll(() => counted('counts'), { timeout: 20_000 }).toEqual(each(2))
      expect(changed.state).toBe('rebalancing')
      await old.close()
      await write('first')
      await expect.poll(() => counted('counts'), { timeout: 20_000 }).toEqual(each(3))
      await expect.poll(() => counted('firsts'), { timeout: 20_000 }).toEqual(each(1))
      expect(waiting()).toHaveLength(1)
      await changed.close()
    })

    it('gives up after taskTimeout, with the command that lists the members that are in the way', async () => {
      const { before, after, start, write, counted } = await versions(open())
      await write('first')
      const old = await start(before, 'one')
      await expect.poll(() => counted('counts'), { timeout: 20_000 }).toEqual(each(1))
      const changed = await start(after({ taskTimeout: 1_500 }), 'two')
      const started = Date.now()
      const tool = groupProtocol === 'streams' ? 'kafka-streams-groups.sh' : 'kafka-consumer-groups.sh'
      await expect(changed.closed).rejects.toMatchObject({
        code: 'MR_TOPOLOGY_CHANGED',
        hint: expect.stringContaining(
          `${tool} --bootstrap-server ${brokers} --describe --group ${before.id} --members`,
        ),
      })
      expect(Date.now() - started).toBeGreaterThan(1_000)
      await write('second')
      await expect.poll(() => counted('counts'), { timeout: 20_000 }).toEqual(each(2))
      await old.close()
    })
  },
)
