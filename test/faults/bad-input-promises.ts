import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { json, readTopic, string, topic, TopicWriter } from 'millrace'
import type { Log, Topic } from 'millrace'
import { CliProcess } from '../cli/cli-process.ts'

/** A log that `millrace run` opens while the test does not have it open. */
export interface BadInputPlace {
  readonly prefix: string
  /** Arguments of `millrace run`, besides the application and `--data`. */
  readonly args: readonly string[]
  open(data: string): Promise<Log>
}

/** The applications of `fixtures`. */
type Fixture = 'sums' | 'joined' | 'calls'

/** Partitions of the applications' topics. */
const PARTITIONS = 2

/**
 * Tests what users may expect of `millrace run` when something is wrong: one error with a code, a place and a hint, an
 * exit code that is not 0, and no loss. Without the cause, it goes on as if nothing had happened.
 */
export function badInputPromises(newPlace: () => BadInputPlace): void {
  let place: BadInputPlace
  let data: string
  let orders: Topic<string, { cents: number }>
  let sums: Topic<string, number>

  beforeEach(() => {
    data = mkdtempSync(join(tmpdir(), 'millrace-bad-input-'))
    place = newPlace()
    vi.stubEnv('TEST_PREFIX', place.prefix)
    orders = topic(`${place.prefix}orders`, { key: string(), value: json<{ cents: number }>() })
    sums = topic(`${place.prefix}sums`, { key: string(), value: json<number>() })
  })

  afterEach(() => {
    vi.unstubAllEnvs()
    rmSync(data, { recursive: true, force: true })
  })

  async function withLog<T>(act: (log: Log) => Promise<T>): Promise<T> {
    const log = await place.open(data)
    try {
      return await act(log)
    } finally {
      await log.close()
    }
  }

  const createTopics = (partitions: Readonly<Record<string, number>>): Promise<void> =>
    withLog(async (log) =>
      log.createTopics(
        Object.entries(partitions).map(([name, count]) => ({ name: place.prefix + name, partitions: count })),
      ),
    )

  /** Writes orders of 1 to `count` cents. */
  const order = (count: number): Promise<void> =>
    withLog(async (log) => {
      await using writer = await TopicWriter.open(log, orders)
      for (let cents = 1; cents <= count; cents++) writer.write(`customer-${cents}`, { cents }, { timestamp: cents })
    })

  const shownSums = (): Promise<Map<string | null, number | null>> =>
    withLog(async (log) => {
      const shown = new Map<string | null, number | null>()
      for await (const { key, value } of readTopic(log, sums, { until: 'end' })) shown.set(key, value)
      return shown
    })

  function start(app: Fixture, ...more: string[]): CliProcess {
    return new CliProcess([
      'run',
      join(import.meta.dirname, `fixtures/${app}.ts`),
      '--data',
      data,
      ...place.args,
      ...more,
    ])
  }

  /** Runs an application to its end, which must be one error with a hint. @returns the error's line */
  async function failure(app: Fixture, code: string): Promise<string> {
    const { code: exit, stderr } = await start(app).result()
    const lines = stderr.match(/^error .*$/gm) ?? []
    expect(lines).toEqual([expect.stringMatching(new RegExp(`^error ${code}: `))])
    expect(stderr).toMatch(/^ {2}hint: \S/m)
    expect(stderr).not.toMatch(/^\s+at /m)
    expect(exit).toBe(1)
    return lines[0] ?? ''
  }

  /** Runs the application until it has processed `count` records, then stops it gracefully. @returns what it logged */
  async function runUntilProcessed(count: number, app: Fixture = 'sums'): Promise<string> {
    const millrace = start(app, '--log-format', 'json')
    await millrace.stderrMatches(new RegExp(`"processed":${count}\\b`))
    millrace.signal('SIGTERM')
    const { code, stderr } = await millrace.result()
    if (code !== 0) expect.unreachable(stderr)
    return stderr
  }

  describe('a record that cannot be processed', () => {
    beforeEach(async () => {
      await createTopics({ orders: PARTITIONS, sums: PARTITIONS })
      vi.stubEnv('TEST_RARE_COMMITS', 'yes')
    })

    test('because a callback throws is named, and read again by the next run', async () => {
      await order(20)
      vi.stubEnv('TEST_THROWS_AT', '13')
      const error = await failure('sums', 'MR_PROCESSING')
      expect(error).toContain('13 is right out')
      expect(error).toMatch(/\(node=KSTREAM-MAPVALUES-\d+, task=0_\d, topic=\S*orders, partition=\d, offset=\d+\)$/)
      // The next run fails the same way.
      expect(await failure('sums', 'MR_PROCESSING')).toBe(error)

      vi.stubEnv('TEST_THROWS_AT', '')
      vi.stubEnv('TEST_RARE_COMMITS', '')
      // Every order is read from its topic and from the repartition topic.
      await runUntilProcessed(40)
      expect(await shownSums()).toEqual(sumsOf(20))
    })

    test("because it is undecodable is named with its length, and skipped only with 'continue'", async () => {
      await withLog(async (log) => {
        await using writer = await TopicWriter.open(log, topic(orders.name, { key: string(), value: string() }))
        writer.write('customer-0', '{"cents":', { timestamp: 0 })
      })
      await order(20)
      const error = await failure('sums', 'MR_DESERIALIZE')
      expect(error).toContain('as json: Unexpected end of JSON input; 9 bytes')
      expect(error).toMatch(/\(node=KSTREAM-SOURCE-\d+, task=0_\d, topic=\S*orders, partition=\d, offset=0\)$/)

      vi.stubEnv('TEST_UNDECODABLE', 'continue')
      vi.stubEnv('TEST_RARE_COMMITS', '')
      expect(await runUntilProcessed(40)).toMatch(/"reason":"deserialization"/)
      expect(await shownSums()).toEqual(sumsOf(20))

      // The record was passed: an application that would fail does not read it again.
      vi.stubEnv('TEST_UNDECODABLE', 'fail')
      await order(20)
      await runUntilProcessed(40)
      expect(await shownSums()).toEqual(new Map([...sumsOf(20)].map(([digit, sum]) => [digit, 2 * sum])))
    })
  })

  describe('an asynchronous step', () => {
    /** Every record that came out, in ascending order. */
    const answered = (): Promise<number[]> =>
      withLog(async (log) => {
        const cents: number[] = []
        for await (const { value } of readTopic(log, sums, { until: 'end' })) cents.push(value ?? Number.NaN)
        return cents.toSorted((a, b) => a - b)
      })

    test('that was taken away, was renamed or has another serde is missed, until it is back', async () => {
      await createTopics({ orders: PARTITIONS, sums: PARTITIONS })
      vi.stubEnv('TEST_STEP', 'hangs')
      await order(20)
      await runUntilProcessed(20, 'calls')
      for (const kind of ['none', 'renamed', 'a table']) {
        vi.stubEnv('TEST_STEP', kind)
        const error = await failure('calls', 'MR_TOPOLOGY_CALLS_LEFT')
        expect(error).toContain(`topic=${place.prefix}asking-asking-changelog`)
        if (kind !== 'a table') expect(error).toContain('20 records')
      }
      vi.stubEnv('TEST_STEP', 'of another serde')
      const error = await failure('calls', 'MR_STATE_DESERIALIZE')
      expect(error).toContain('store=asking')
      expect(await answered()).toEqual([])

      vi.stubEnv('TEST_STEP', 'answers')
      await order(20)
      await runUntilProcessed(20, 'calls')
      expect(await answered()).toEqual(twice(20))
    })

    test('whose store cannot hold a record ends the application with its place, and loses nothing', async () => {
      vi.stubEnv('TEST_STEP', 'of a generous serde')
      await createTopics({ orders: 1, sums: 1 })
      await order(20)
      const error = await failure('calls', 'MR_STATE_SERIALIZE')
      expect(error).toMatch(/topic=\S*orders, partition=0, offset=0\)$/)

      vi.stubEnv('TEST_STEP', 'answers')
      await order(20)
      // Nothing was committed: the first record was in every commit.
      await runUntilProcessed(40, 'calls')
      expect(await answered()).toEqual(twice(20))
    })

    test('whose function rejects when nobody listens any more does not end the process', async () => {
      await createTopics({ orders: PARTITIONS, sums: PARTITIONS })
      vi.stubEnv('TEST_STEP', 'fails late')
      await order(20)
      const millrace = start('calls', '--log-format', 'json')
      for (let cents = 1; cents <= 20; cents++) await millrace.stderrMatches(new RegExp(`failing late: ${cents}$`, 'm'))
      millrace.signal('SIGTERM')
      const { code, stderr } = await millrace.result()
      expect(stderr).toMatch(/"reason":"processing"/)
      if (code !== 0) expect.unreachable(stderr)
    })
  })

  describe('topics that do not fit', () => {
    test('a repartition topic with a wrong partition count', async () => {
      await createTopics({ orders: 2, sums: 2, 'summing-digits-repartition': 5, 'summing-sums-changelog': 3 })
      expect(await failure('sums', 'MR_INTERNAL_TOPIC')).toContain(`${place.prefix}summing-`)
    })

    test('a changelog with another partition count than its task has partitions', async () => {
      await createTopics({ orders: 2, sums: 2, 'summing-digits-repartition': 2, 'summing-sums-changelog': 3 })
      expect(await failure('sums', 'MR_INTERNAL_TOPIC')).toContain(`${place.prefix}summing-sums-changelog`)
    })

    test('inputs of a join that are not co-partitioned', async () => {
      await createTopics({ orders: 2, customers: 3, named: 2 })
      const error = await failure('joined', 'MR_NOT_COPARTITIONED')
      expect(error).toContain(`${place.prefix}orders`)
      expect(error).toContain(`${place.prefix}customers`)
    })
  })

  describe('a data directory', () => {
    const stateDirectory = (...more: string[]): string => join(data, 'state', `${place.prefix}summing`, ...more)

    beforeEach(() => createTopics({ orders: PARTITIONS, sums: PARTITIONS }))

    test('that another process uses', async () => {
      const first = start('sums')
      await first.stderrMatches(/^starting/m)
      await first.stderrMatches(/tasks assigned/m)
      expect(await failure('sums', 'MR_STATE_LOCKED')).toContain(data)
      first.signal('SIGTERM')
      expect((await first.result()).code).toBe(0)
    })

    test('with damaged state is named, and the state restored from the changelog', async () => {
      await order(20)
      await runUntilProcessed(40)
      for (const task of ['1_0', '1_1']) damage(stateDirectory(task))
      await order(20)
      const logged = await runUntilProcessed(40)
      for (const task of ['1_0', '1_1']) expect(logged).toContain(stateDirectory(task))
      expect(await shownSums()).toEqual(new Map([...sumsOf(20)].map(([digit, sum]) => [digit, 2 * sum])))
    })

    test('that holds something else than state is named and left alone', async () => {
      mkdirSync(stateDirectory(), { recursive: true })
      writeFileSync(stateDirectory('process'), 'my diary')
      expect(await failure('sums', 'MR_STATE_\\w+')).toContain(stateDirectory('process'))
    })
  })
}

/** Overwrites the manifests, by which the engine finds its data. */
export function damage(directory: string): void {
  const manifests = readdirSync(directory).filter((name) => name.startsWith('MANIFEST'))
  expect(manifests).not.toEqual([])
  for (const name of manifests) writeFileSync(join(directory, name), 'ruined')
}

/** Sums orders of 1 to `count` cents by their last digit. */
function sumsOf(count: number): Map<string, number> {
  const sums = new Map<string, number>()
  for (let cents = 1; cents <= count; cents++) sums.set(String(cents % 10), (sums.get(String(cents % 10)) ?? 0) + cents)
  return sums
}

/** 1, 1, 2, 2 and so on, up to `count`. */
function twice(count: number): number[] {
  return Array.from({ length: 2 * count }, (_, index) => 1 + Math.floor(index / 2))
}
