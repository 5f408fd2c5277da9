import { defineApp, Headers, readDeadLetters, readTopic, replayDeadLetters, string, Streams, topic } from 'millrace'
import type { Log, MillraceError } from 'millrace'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { PartitionMap } from '../../src/log/log.ts'
import {
  addLetter,
  addLetters,
  all,
  createTopics,
  lettersOf,
  originHeaders,
  process,
  recordsIn,
  writeTexts,
} from './letters.ts'
import { paymentsApp } from './payments-app.ts'

type Unique = (name: string) => string

/** An application with its topics, and three letters: not JSON, not by the schema, refused by its function. */
async function setUp(log: Log, unique: Unique) {
  const setup = paymentsApp(`${unique('letters')}-`)
  const { app, payments, totals, rejected } = setup
  await createTopics(log, [payments, totals.name, rejected])
  await writeTexts(log, payments, [
    ['alice', '{"cents":200}', 1_000],
    ['bob', 'no json', 2_000, new Headers().add('trace', 'abc')],
    ['carol', '{"cents":"many"}', 3_000],
    ['dave', '{"cents":-5}', 4_000],
  ])
  await process(app, log, { [totals.name]: 1, [rejected]: 3 })
  return setup
}

/** Tests what is promised on every log. @param open opens the log; its topics get names of their own */
export function describeDeadLetters(kind: string, open: () => Promise<Log>, unique: Unique): void {
  describe(`dead letters on ${kind}`, () => {
    let log: Log
    beforeAll(async () => void (log = await open()))
    afterAll(() => log.close())

    test('are read with their place, their error, and key and value as far as the serdes go', async () => {
      const { app, payments, rejected } = await setUp(log, unique)
      const letters = await lettersOf(app, log)
      const byKey = Object.fromEntries(letters.map((letter) => [letter.key.value, letter]))
      expect(byKey['bob']).toMatchObject({
        id: expect.stringMatching(new RegExp(`^${rejected}-[01]-\\d+$`)),
        origin: { topic: payments, timestamp: 2_000 },
        code: 'MR_DESERIALIZE',
        node: 'KSTREAM-SOURCE-0000000000',
        task: expect.stringMatching(/^0_[01]$/),
        exception: 'SyntaxError',
        key: { value: 'bob', error: undefined },
        value: { value: undefined, error: expect.stringContaining('json: ') },
        replayed: false,
      })
      expect(byKey['bob']?.value.bytes?.toString()).toBe('no json')
      expect([...(byKey['bob']?.headers ?? [])]).toEqual([{ name: 'trace', value: Buffer.from('abc') }])
      expect(byKey['carol']?.value.error).toContain('$.cents')
      expect(byKey['dave']).toMatchObject({
        code: 'MR_PROCESSING',
        exception: 'RangeError',
        message: 'a negative payment',
        value: { value: { cents: -5 }, error: undefined },
      })
      expect(letters).toHaveLength(3)
    })

    test('are replayed once, as they were: to their partition, with key, value, headers and time', async () => {
      const { app, payments } = await setUp(log, unique)
      const before = await recordsIn(log, payments)
      const letters = await lettersOf(app, log)
      const replays = await replayDeadLetters(
        app,
        log,
        letters.map(({ id }) => id),
      )
      expect(replays.map(({ id }) => id).toSorted()).toEqual(letters.map(({ id }) => id).toSorted())

      const after = await recordsIn(log, payments)
      const added = after.filter(({ headers }) => 'millrace.replay-of' in headers)
      expect(added).toHaveLength(3)
      expect(after).toHaveLength(before.length + 3)
      for (const { key, value, timestamp, headers, place } of added) {
        const original = before.find((record) => record.key === key)
        const { 'millrace.replay-of': id, ...rest } = headers
        expect({ value, timestamp, headers: rest }).toEqual({
          value: original?.value,
          timestamp: original?.timestamp,
          headers: original?.headers,
        })
        expect(place[0]).toBe(original?.place[0])
        expect(letters.find((letter) => letter.id === id)?.key.value).toBe(key)
      }
      // Copied, not moved, and marked.
      expect((await lettersOf(app, log)).map(({ id, replayed }) => [id, replayed])).toEqual(
        letters.map(({ id }) => [id, true]),
      )
    })

    test('are refused a second time, and replayed again only if that is asked for', async () => {
      const { app, payments } = await setUp(log, unique)
      const [first, second] = (await lettersOf(app, log)).map(({ id }) => id)
      await replayDeadLetters(app, log, [first!])
      const count = (await recordsIn(log, payments)).length
      await expect(replayDeadLetters(app, log, [second!, first!])).rejects.toMatchObject({
        code: 'MR_DEAD_LETTER_REPLAYED',
        message: expect.stringContaining(first!),
      })
      // Nothing of a request that is refused is done.
      expect(await recordsIn(log, payments)).toHaveLength(count)
      await replayDeadLetters(app, log, [second!, first!], { again: true })
      expect(await recordsIn(log, payments)).toHaveLength(count + 2)
      await expect(replayDeadLetters(app, log, [second!])).rejects.toMatchObject({ code: 'MR_DEAD_LETTER_REPLAYED' })
    })

    test('are processed after a patch, which is checked by the serdes of the topic first', async () => {
      const { app, payments, totals } = await setUp(log, unique)
      const letters = await lettersOf(app, log)
      const { id } = letters.find(({ key }) => key.value === 'bob')!
      const before = await recordsIn(log, payments)
      for (const value of [{ cents: 'many' }, 'text', { cents: 1.5 }, 5n]) {
        await expect(replayDeadLetters(app, log, [id], { patch: { value } })).rejects.toMatchObject({
          code: 'MR_DEAD_LETTER_PATCH',
          message: expect.stringContaining(`the value of the patch does not fit the topic "${payments}"`),
          topic: expect.stringContaining('rejected'),
        })
      }
      await expect(replayDeadLetters(app, log, [id], { patch: { key: 5 } })).rejects.toMatchObject({
        code: 'MR_DEAD_LETTER_PATCH',
      })
      expect(await recordsIn(log, payments)).toEqual(before)

      const patch = { value: { cents: 300 }, headers: { trace: null, by: 'support' } }
      const shown = await replayDeadLetters(app, log, [id], { patch, dryRun: true })
      expect(await recordsIn(log, payments)).toEqual(before)
      expect(await replayDeadLetters(app, log, [id], { patch })).toEqual(shown)
      const added = (await recordsIn(log, payments)).find(({ headers }) => headers['by'] === 'support')
      expect(added).toMatchObject({ key: 'bob', value: '{"cents":300}', timestamp: 2_000 })
      expect(added?.headers).toEqual({ by: 'support', 'millrace.replay-of': id })

      await process(app, log, { [totals.name]: 2 })
      const found = await all(readTopic(log, totals, { until: 'end' }))
      expect(found.map(({ key, value }) => [key, value])).toContainEqual(['bob', 300])
    })

    test('are read page by page, in order, each once', async () => {
      const { app } = await setUp(log, unique)
      const whole = (await lettersOf(app, log)).map(({ id }) => id)
      const pages: string[][] = []
      for (let from: string | undefined = whole[0]; from !== undefined;) {
        const page = await all(readDeadLetters(app, log, { from, limit: 3, replays: false }))
        expect(page[0]).not.toHaveProperty('replayed', false)
        pages.push(page.slice(0, 2).map(({ id }) => id))
        from = page[2]?.id
      }
      expect(pages).toEqual([whole.slice(0, 2), whole.slice(2)])
    })

    test('of a repartition topic go back to it as they are', async () => {
      const prefix = `${unique('letters')}-`
      const words = topic(`${prefix}words`, { key: string(), value: string() })
      const seen = topic(`${prefix}seen`, { key: string(), value: string() })
      const rejected = `${prefix}rejected`
      let isBroken = true
      const app = defineApp({
        id: `${prefix}app`,
        commitInterval: 20,
        deadLetterTopic: rejected,
        build: (builder) => {
          builder
            .stream(words)
            .selectKey((word) => word.toUpperCase())
            .repartition({ name: 'by-word', key: string(), value: string() })
            .mapValues((word) => {
              if (isBroken) throw new Error('broken')
              return word
            })
            .to(seen)
        },
      })
      await createTopics(log, [words.name, seen.name, rejected])
      await writeTexts(log, words.name, [['1', 'mill']])
      await using streams = await Streams.start(app, { log })
      await expect.poll(() => streams.status().dropped.get('processing'), { timeout: 30_000 }).toBe(1)
      await expect.poll(async () => (await lettersOf(app, log)).length).toBe(1)
      const [letter] = await lettersOf(app, log)
      expect(letter).toMatchObject({
        origin: { topic: `${prefix}app-by-word-repartition` },
        key: { value: 'MILL' },
        value: { value: 'mill' },
      })
      const patch = { value: 'other' }
      await expect(replayDeadLetters(app, log, [letter!.id], { patch })).rejects.toMatchObject({
        code: 'MR_DEAD_LETTER_PATCH',
        message: expect.stringContaining("Millrace's own"),
      })
      isBroken = false
      await replayDeadLetters(app, log, [letter!.id])
      await expect
        .poll(async () => (await recordsIn(log, seen.name)).map(({ key, value }) => [key, value]), { timeout: 30_000 })
        .toEqual([['MILL', 'mill']])
    })

    test('that a topic refuses after a patch leave nothing behind, and stay', async () => {
      const { app, payments, rejected } = paymentsApp(`${unique('letters')}-`)
      await log.createTopics([
        { name: payments, partitions: 1, configs: { 'max.message.bytes': '400' } },
        { name: rejected, partitions: 1 },
      ])
      const id = await addLetter(log, rejected, originHeaders(payments, 0, 0), 'k', '{"cents":1}')
      const fits = await addLetter(log, rejected, originHeaders(payments, 0, 1), 'k', '{"cents":2}')
      const before = await recordsIn(log, rejected)
      const patch = { headers: { note: 'x'.repeat(500) } }
      await expect(replayDeadLetters(app, log, [id, fits], { patch })).rejects.toMatchObject({
        code: 'MR_PRODUCE',
        message: expect.stringContaining(`the dead letter ${id} cannot be replayed: topic "${payments}"`),
        hint: expect.stringContaining('max.message.bytes'),
      })
      expect(await recordsIn(log, payments)).toEqual([])
      expect(await recordsIn(log, rejected)).toEqual(before)
      await replayDeadLetters(app, log, [id, fits])
      expect(await recordsIn(log, payments)).toHaveLength(2)
    })

    test('of one application are replayed by one at a time: a second one ends the first', async () => {
      const { app, payments } = await setUp(log, unique)
      const { length } = await recordsIn(log, payments)
      const ids = (await lettersOf(app, log)).map(({ id }) => id)
      const outcomes = await Promise.allSettled([replayDeadLetters(app, log, ids), replayDeadLetters(app, log, ids)])
      expect(outcomes.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1)
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') {
          expect(['MR_FENCED', 'MR_DEAD_LETTER_REPLAYED', 'MR_COMMIT']).toContain(
            (outcome.reason as MillraceError).code,
          )
        }
      }
      const left = (await lettersOf(app, log)).filter(({ replayed }) => replayed === false).map(({ id }) => id)
      await replayDeadLetters(app, log, left)
      expect(await recordsIn(log, payments)).toHaveLength(length + ids.length)
    })
  })
}

/**
 * Tests what is promised whatever is in a dead letter topic, and whatever is asked for.
 *
 * @param open opens the log; its topics get names of their own
 */
export function describeUnusualLetters(kind: string, open: () => Promise<Log>, unique: Unique): void {
  describe(`unusual dead letters on ${kind}`, () => {
    let log: Log
    beforeAll(async () => void (log = await open()))
    afterAll(() => log.close())

    test('that fail once more are dead letters of their own, and can be replayed', async () => {
      const { app, rejected } = await setUp(log, unique)
      const [letter] = await lettersOf(app, log)
      await replayDeadLetters(app, log, [letter!.id])
      // Three dead letters, the mark of the first, and the new one.
      await process(app, log, { [rejected]: 5 })
      const again = (await lettersOf(app, log)).filter(({ id, replayed }) => replayed === false && id !== letter!.id)
      const fresh = again.find(({ headers }) => headers.getString('millrace.replay-of') === letter!.id)
      expect(fresh?.message).toBe(letter!.message)
      const [replay] = await replayDeadLetters(app, log, [fresh!.id])
      expect([...replay!.headers].filter(({ name }) => name === 'millrace.replay-of')).toEqual([
        { name: 'millrace.replay-of', value: Buffer.from(fresh!.id) },
      ])
    })

    test('are replayed by one call, however many they are', async () => {
      const { app, payments, rejected } = paymentsApp(`${unique('letters')}-`)
      await createTopics(log, [payments, rejected])
      const count = 200_000
      await addLetters(log, rejected, originHeaders(payments, 0, 0), count)
      const ids = Array.from({ length: count }, (_, offset) => `${rejected}-1-${offset}`)
      expect(await replayDeadLetters(app, log, ids, { dryRun: true })).toHaveLength(count)
      await expect(replayDeadLetters(app, log, [...ids, `${rejected}-1-${count}`])).rejects.toMatchObject({
        code: 'MR_DEAD_LETTER_UNKNOWN',
        offset: count,
      })
    })

    test('are told apart from whatever else is in their topic', async () => {
      const { app, rejected, payments } = await setUp(log, unique)
      const place = (from: string | null, partition: string | null): Headers =>
        new Headers().add('__streams.errors.topic', from).add('__streams.errors.partition', partition)
      const cases: readonly (readonly [Headers, string])[] = [
        [new Headers(), 'it lacks the headers __streams.errors.topic, '],
        [place(payments, '0'), 'it lacks the headers __streams.errors.offset'],
        [
          place(payments, 'zero').add('__streams.errors.offset', '1'),
          'its header __streams.errors.partition is no whole number: "zero"',
        ],
        [
          place(payments, '0').add('__streams.errors.offset', '9'.repeat(20)),
          'its header __streams.errors.offset is no whole number',
        ],
        [
          place(payments, null).add('__streams.errors.offset', '1'),
          'its header __streams.errors.partition is no whole number: ""',
        ],
      ]
      const ids: string[] = []
      for (const [headers] of cases) ids.push(await addLetter(log, rejected, headers))
      const others = (await all(readDeadLetters(app, log))).filter(({ kind }) => kind === 'other')
      expect(others.map(({ id }) => id)).toEqual(ids)
      for (const [i, [, reason]] of cases.entries()) {
        expect(others[i]).toMatchObject({ reason: expect.stringContaining(reason), key: Buffer.from('k') })
        const refused = replayDeadLetters(app, log, [ids[i]!])
        await expect(refused).rejects.toMatchObject({ code: 'MR_DEAD_LETTER_INVALID', topic: rejected })
      }
    })

    test('go back to no topic that the application does not read, unless it is named', async () => {
      const { app, rejected } = await setUp(log, unique)
      const foreign = `${rejected}-legacy`
      const id = await addLetter(log, rejected, originHeaders(foreign, 7, 3))
      const letter = (await lettersOf(app, log)).find((each) => each.id === id)
      expect(letter).toMatchObject({
        origin: { topic: foreign, partition: 7, offset: 3 },
        code: undefined,
        key: { value: undefined, error: `the application does not read the topic "${foreign}"` },
      })
      await expect(replayDeadLetters(app, log, [id])).rejects.toMatchObject({
        code: 'MR_DEAD_LETTER_ORIGIN',
        hint: expect.stringContaining('`--to`'),
      })
      const to = [foreign]
      await expect(replayDeadLetters(app, log, [id], { to })).rejects.toMatchObject({ code: 'MR_TOPIC_UNKNOWN' })
      await createTopics(log, [foreign])
      await expect(replayDeadLetters(app, log, [id], { to, patch: { value: 'v' } })).rejects.toMatchObject({
        code: 'MR_DEAD_LETTER_PATCH',
      })
      // The partition from which it came is gone: that of its key takes it.
      const [replay] = await replayDeadLetters(app, log, [id], { to })
      expect(await recordsIn(log, foreign)).toMatchObject([{ key: 'k', value: 'v', place: `${replay?.partition}@0` }])
    })

    test('of a punctuator, or whose input record was gone, are shown and refused', async () => {
      const { app, rejected, payments } = await setUp(log, unique)
      const punctuator = await addLetter(log, rejected, originHeaders(null, -1, -1))
      const emptied = await addLetter(log, rejected, originHeaders(payments, 0, 0), null, null)
      expect((await lettersOf(app, log)).map(({ id }) => id)).toEqual(expect.arrayContaining([punctuator, emptied]))
      await expect(replayDeadLetters(app, log, [punctuator])).rejects.toMatchObject({ code: 'MR_DEAD_LETTER_ORIGIN' })
      await expect(replayDeadLetters(app, log, [emptied])).rejects.toMatchObject({
        code: 'MR_DEAD_LETTER_INVALID',
        message: expect.stringContaining('neither key nor value'),
      })
      const patch = { key: 'eve', value: { cents: 1 } }
      await replayDeadLetters(app, log, [emptied], { patch })
      expect((await recordsIn(log, payments)).map(({ key, value }) => [key, value])).toContainEqual([
        'eve',
        '{"cents":1}',
      ])
    })

    test('that are deleted from the beginning leave the others as they were, marked or not', async () => {
      const { app, payments, rejected } = paymentsApp(`${unique('letters')}-`)
      await createTopics(log, [payments, rejected], 1)
      const ids: string[] = []
      for (let i = 0; i < 4; i++) ids.push(await addLetter(log, rejected, originHeaders(payments, 0, i)))
      await replayDeadLetters(app, log, [ids[0]!, ids[2]!])
      await log.deleteRecords(new PartitionMap<number>().set(rejected, 0, 2))
      expect((await lettersOf(app, log)).map(({ id, replayed }) => [id, replayed])).toEqual([
        [ids[2], true],
        [ids[3], false],
      ])
      expect((await all(readDeadLetters(app, log, { from: ids[0]!, limit: 1 }))).map(({ id }) => id)).toEqual([ids[2]])
      await expect(replayDeadLetters(app, log, [ids[1]!])).rejects.toMatchObject({
        code: 'MR_DEAD_LETTER_UNKNOWN',
        offset: 1,
      })
      await expect(replayDeadLetters(app, log, [ids[2]!])).rejects.toMatchObject({ code: 'MR_DEAD_LETTER_REPLAYED' })
    })

    test('take no options that are unknown or impossible', async () => {
      const { app, rejected } = paymentsApp(`${unique('letters')}-`)
      await createTopics(log, [rejected])
      const read = (options: object): Promise<unknown> => all(readDeadLetters(app, log, options))
      const replay = (options: object): Promise<unknown> => replayDeadLetters(app, log, ['a-0-0', 'a-0-1'], options)
      for (const [attempt, named] of [
        [read({ form: 'x' }), 'form'],
        [read({ from: 'x' }), 'from'],
        [read({ from: 'x-0-0', topic: rejected }), 'x-0-0'],
        [read({ limit: 0 }), 'limit'],
        [replay({ patch: { vlaue: 1 } }), 'vlaue'],
        [replay({ patch: { value: 1 } }), 'one dead letter'],
        [replay({ patch: { headers: { a: 1 } } }), 'patch.headers["a"]'],
        [replay({ patch: { headers: { 'millrace.replay-of': 'x' } } }), 'millrace.replay-of'],
        [replay({ to: 'payments' }), 'to'],
        [replayDeadLetters(app, log, 'a-0-0' as never), 'no list'],
      ] as const) {
        await expect(attempt).rejects.toMatchObject({ code: 'MR_CONFIG', message: expect.stringContaining(named) })
      }
      await expect(read({ topic: 'nowhere' })).rejects.toMatchObject({ code: 'MR_TOPIC_UNKNOWN', topic: 'nowhere' })
      const without = defineApp({ id: 'without', build: () => {} })
      await expect(all(readDeadLetters(without, log))).rejects.toMatchObject({ code: 'MR_CONFIG' })
    })

    test('that are not there are named: by an id of nowhere, of a mark, and by what is no id', async () => {
      const { app, rejected } = await setUp(log, unique)
      const [letter] = await lettersOf(app, log)
      await replayDeadLetters(app, log, [letter!.id])
      const marks = (await recordsIn(log, rejected)).filter(({ headers }) => 'millrace.replayed' in headers)
      expect(marks).toHaveLength(1)
      const mark = `${rejected}-${marks[0]!.place.replace('@', '-')}`
      const code = async (id: unknown): Promise<string> =>
        replayDeadLetters(app, log, [id as string]).then(
          () => 'replayed',
          (error: MillraceError) => error.code,
        )
      expect(await code(`${rejected}-0-999`)).toBe('MR_DEAD_LETTER_UNKNOWN')
      expect(await code(`${rejected}-9-0`)).toBe('MR_DEAD_LETTER_UNKNOWN')
      expect(await code(`${rejected}-nowhere-0-0`)).toBe('MR_DEAD_LETTER_UNKNOWN')
      expect(await code(rejected)).toBe('MR_DEAD_LETTER_UNKNOWN')
      expect(await code(5)).toBe('MR_DEAD_LETTER_UNKNOWN')
      expect(await code(mark)).toBe('MR_DEAD_LETTER_INVALID')
    })
  })
}
