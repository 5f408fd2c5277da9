import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineApp, readTopic, resetApplication, Streams, string, topic, TopicWriter } from 'millrace'
import type { Application, ResetApplicationOptions } from 'millrace'
import { afterAll, expect, test } from 'vitest'
import { onEveryLog } from '../client/every-log.ts'
import { uniqueName } from '../kafka/broker/index.ts'

onEveryLog('resetting an application', (on) => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-reset-'))
  const stateDirectory = join(directory, 'state')
  afterAll(() => {
    rmSync(directory, { recursive: true, force: true })
  })

  /** Runs the application until it has written `count` records to `output`, which it returns with all others there. */
  async function run(app: Application, output: ReturnType<typeof words>, count: number): Promise<string[]> {
    const { log } = on
    await using streams = await Streams.start(app, { log, stateDirectory })
    await streams.whenRunning()
    const seen: string[] = []
    for await (const { key, value } of readTopic(log, output, { limit: count })) seen.push(`${key}=${value}`)
    return seen
  }

  const words = (name: string) => topic(uniqueName(name), { key: string(), value: string() })

  test('processes again what came at a time or later, with state that begins empty', async () => {
    const { log } = on
    const [input, output, id] = [words('words'), words('counts'), uniqueName('app')]
    await log.createTopics([input, output].map(({ name }) => ({ name, partitions: 1 })))
    const app = defineApp({
      id,
      commitInterval: '50ms',
      cacheBytes: 0,
      build: (builder) =>
        builder
          .stream(input)
          .groupByKey()
          .count({ store: 'counts' })
          .toStream()
          .mapValues((count) => String(count))
          .to(output),
    })
    await using writer = await TopicWriter.open(log, input)
    for (let i = 0; i < 5; i++) writer.write('mill', 'x', { timestamp: 1000 + i })
    await writer.flush()
    expect(await run(app, output, 5)).toEqual(['mill=1', 'mill=2', 'mill=3', 'mill=4', 'mill=5'])

    const options: ResetApplicationOptions = { log, stateDirectory, to: { timestamp: 1003 } }
    const plan = await resetApplication(app, { ...options, dryRun: true })
    expect(plan).toEqual({
      app: id,
      offsets: [{ topic: input.name, partition: 0, offset: 3 }],
      internalTopics: [`${id}-counts-changelog`],
      otherTopics: [],
      stateDirectory: join(stateDirectory, id),
    })
    expect(existsSync(join(stateDirectory, id))).toBe(true)
    expect(await resetApplication(app, options)).toEqual(plan)
    expect(existsSync(join(stateDirectory, id))).toBe(false)
    expect(await log.listTopics()).not.toContain(`${id}-counts-changelog`)
    expect((await run(app, output, 7)).slice(5)).toEqual(['mill=1', 'mill=2'])

    await resetApplication(app, { log, stateDirectory, to: 'latest' })
    await resetApplication(app, { log, stateDirectory })
    expect((await run(app, output, 12)).slice(7)).toEqual(['mill=1', 'mill=2', 'mill=3', 'mill=4', 'mill=5'])
  })

  test('is refused while the application runs', async () => {
    const { log } = on
    const input = words('words')
    await log.createTopics([{ name: input.name, partitions: 1 }])
    const app = defineApp({ id: uniqueName('app'), build: (builder) => void builder.stream(input).peek(() => {}) })
    await using streams = await Streams.start(app, { log, stateDirectory })
    await streams.whenRunning()
    await expect(resetApplication(app, { log, stateDirectory })).rejects.toMatchObject({ code: 'MR_GROUP_ACTIVE' })
    const to = { timestamp: 'yesterday' } as unknown as 'latest'
    await expect(resetApplication(app, { log, to })).rejects.toMatchObject({ code: 'MR_CONFIG' })
  })
})
