import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { TopicWriter, type Log, type Topic } from 'millrace'
import type { Connector } from 'millrace/connect'
import { until } from '../server/support.ts'
import { faulty, fresh, only, run, textTopic, type Fate, type LosablePlace, type LogPlace } from './kit.ts'

/** A sink under test, and the system that it writes to. */
export interface SinkUnderTest {
  /** Makes the sink. Called for each instance. */
  sink(from: Topic<string, string>): Connector
  /** Values that the system holds, sorted. */
  readonly rows: readonly string[]
  /** Makes the system fail once, before it takes anything or after it has taken a batch. */
  failOnce(when: 'before' | 'after'): void
}

const PARTITIONS = 4

/** A topic of a log, and what was written to it. */
class Input {
  readonly topic = textTopic()
  readonly #values: string[] = []
  readonly #log: Log

  private constructor(log: Log) {
    this.#log = log
  }

  static async create(log: Log): Promise<Input> {
    const input = new Input(log)
    await log.createTopics([{ name: input.topic.name, partitions: PARTITIONS }])
    return input
  }

  async write(count: number): Promise<void> {
    const writer = await TopicWriter.open(this.#log, this.topic)
    for (let left = count; left > 0; left--) {
      const value = String(this.#values.length)
      this.#values.push(value)
      writer.write(value, value)
    }
    await writer.close()
  }

  get all(): readonly string[] {
    return this.#values.toSorted()
  }
}

/** The promises that a sink keeps on whatever log, if it promises `exactly-once`. */
export function sinkConformance(what: string, openPlace: () => Promise<LogPlace>, make: () => SinkUnderTest): void {
  describe(`a sink: ${what}`, () => {
    let place: LogPlace
    let log: Log
    beforeAll(async () => {
      place = await openPlace()
      log = await place.open()
    })
    afterAll(async () => place.close())

    test('writes everything that there is once, ends, and begins behind it the next time', async () => {
      const [under, input, id] = [make(), await Input.create(log), fresh('all')]
      for (const count of [20, 0, 7]) {
        await input.write(count)
        const running = await run(id, [under.sink(input.topic)], { log, untilEnd: true })
        await running.closed
        expect(only(running)).toMatchObject({ state: 'done', records: count })
      }
      expect(under.rows).toEqual(input.all)
    })

    test.each(['before', 'after'] as const)(
      'neither loses nor doubles when the system fails %s a batch',
      async (when) => {
        const [under, input, id] = [make(), await Input.create(log), fresh('fails')]
        await using running = await run(id, [under.sink(input.topic)], { log })
        for (let failure = 1; failure <= 5; failure++) {
          under.failOnce(when)
          await input.write(5)
          await until(() => only(running).retries === failure && under.rows.length === input.all.length)
        }
        expect(under.rows).toEqual(input.all)
      },
    )

    test('is handed over between instances, back and forth, while it writes', async () => {
      const [under, input, id] = [make(), await Input.create(log), fresh('handed')]
      const first = await run(id, [under.sink(input.topic)], { log })
      await input.write(10)
      await until(() => only(first).tasks.length === PARTITIONS)
      const second = await run(id, [under.sink(input.topic)], { log: await place.open() })
      await input.write(10)
      await until(() => only(first).tasks.length === 2 && only(second).tasks.length === 2)
      await input.write(10)
      await first.close()
      await input.write(10)
      await until(() => under.rows.length === input.all.length)
      await second.close()
      expect(under.rows).toEqual(input.all)
    })

    test('writes nothing more once another process has taken its name', async () => {
      const [under, input, id] = [make(), await Input.create(log), fresh('twin')]
      const zombie = await run(id, [under.sink(input.topic)], { log, instanceId: 'twin' })
      await input.write(10)
      await until(() => only(zombie).commits > 0)
      const other = await run(id, [under.sink(input.topic)], { log: await place.open(), instanceId: 'twin' })
      await input.write(10)
      await expect(zombie.closed).rejects.toMatchObject({ code: 'MR_FENCED' })
      await until(() => under.rows.length === input.all.length)
      await other.close()
      expect(under.rows).toEqual(input.all)
    })

    test('is paused in all instances, stays so over a restart, and goes on where it was', async () => {
      const [under, input, id] = [make(), await Input.create(log), fresh('paused')]
      const first = await run(id, [under.sink(input.topic)], { log })
      await input.write(10)
      await until(() => under.rows.length === 10)
      await first.pause(only(first).name)
      await until(() => only(first).state === 'paused')
      await input.write(10)
      await first.close()
      const second = await run(id, [under.sink(input.topic)], { log: await place.open() })
      expect(only(second).state).toBe('paused')
      expect(under.rows).toHaveLength(10)
      await second.resume(only(second).name)
      await until(() => under.rows.length === 20)
      await second.close()
      expect(under.rows).toEqual(input.all)
    })

    test('writes everything once, whatever becomes of its commits', async () => {
      const fates: Fate[] = ['commit, unknown', 'abort', 'abort, unknown', 'commit', 'abort', 'commit, unknown']
      const [under, input, id] = [make(), await Input.create(log), fresh('unknown')]
      const running = await run(id, [under.sink(input.topic)], { log: faulty(log, fates) })
      while (fates.length > 0) {
        const left = fates.length
        await input.write(2)
        await until(() => fates.length < left)
      }
      await input.write(2)
      await until(() => only(running).redone === 5 && under.rows.length === input.all.length)
      await running.close()
      expect(under.rows).toEqual(input.all)
    })
  })
}

/** What a sink does when its group gives it up: on logs that can be made to. */
export function lostSinkMembership(
  what: string,
  openPlace: () => Promise<LosablePlace>,
  make: () => SinkUnderTest,
): void {
  test(`a sink: ${what}: neither loses nor doubles when the group has given it up`, async () => {
    const place = await openPlace()
    const log = await place.open()
    const [under, input, id] = [make(), await Input.create(log), fresh('lost')]
    const running = await run(id, [under.sink(input.topic)], { log, instanceId: 'one' })
    for (let loss = 0; loss < 3; loss++) {
      await until(() => only(running).state === 'running')
      await input.write(5)
      place.endSession(`${id}-${only(running).name}-one`)
    }
    await until(() => under.rows.length === input.all.length)
    await running.close()
    expect(under.rows).toEqual(input.all)
    await place.close()
  })
}
