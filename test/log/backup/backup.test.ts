import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  defineApp,
  embeddedLog,
  Headers,
  long,
  readTopic,
  Streams,
  string,
  topic,
  TopicWriter,
  type Log,
} from 'millrace'
import { backUpLog } from '../../../src/log/backup/back-up-log.ts'
import { restoreLog } from '../../../src/log/backup/restore-log.ts'
import { SnapshotLost } from '../../../src/log/local/log-snapshot.ts'
import { PartitionMap, type CommittedOffset } from '../../../src/log/log.ts'
import { SharedLog } from '../../../src/log/shared/shared-log.ts'
import { until } from '../../server/support.ts'

const words = topic('words', { key: string(), value: string() })
const counts = topic('counts', { key: string(), value: long() })

let root = ''
let place = ''
let backup = ''
let restored = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'millrace-backup-'))
  place = join(root, 'log')
  backup = join(root, 'backup')
  restored = join(root, 'restored')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

async function withLog<T>(directory: string, act: (log: Log) => Promise<T>): Promise<T> {
  const log = await embeddedLog({ directory })
  try {
    return await act(log)
  } finally {
    await log.close()
  }
}

async function write(log: Log, ...values: string[]): Promise<void> {
  await using writer = await TopicWriter.open(log, words)
  for (const value of values) writer.write(value, value, { timestamp: 1, headers: new Headers().add('n', value) })
}

async function valuesOf(log: Log): Promise<(string | null)[]> {
  const values: (string | null)[] = []
  for await (const { value } of readTopic(log, words, { until: 'end' })) values.push(value)
  return values
}

/** All that users see of a log, but for the ids of topics. */
async function contentOf(log: Log): Promise<unknown> {
  const content: unknown[] = []
  for (const name of await log.listTopics()) {
    const own = topic(name, { key: string(), value: string() })
    const records = []
    for await (const { headers, ...record } of readTopic(log, own, { until: 'end' }))
      records.push({ ...record, headers: Array.from(headers, (each) => [each.name, each.value?.toString()]) })
    const partitions = (await log.describePartitions(name)).map(({ partition }) => ({ topic: name, partition }))
    const [first, end] = [await log.listOffsets(partitions, 'earliest'), await log.listOffsets(partitions, 'latest')]
    content.push({
      name,
      records,
      configs: await log.topicConfigs(name),
      first: [...first.entries()],
      end: [...end.entries()],
    })
  }
  const groups = await log.listGroups()
  for (const { id } of groups) content.push({ id, offsets: [...(await log.committedOffsets(id)).entries()] })
  return content
}

function shared(log: Log): SharedLog {
  if (!(log instanceof SharedLog)) throw new TypeError('the log is not shared')
  return log
}

describe('a backup', () => {
  test.each(['rocksdb', 'level'] as const)('of a log in %s is restored with all that it had', async (engine) => {
    const log = await embeddedLog({ directory: place, engine })
    await log.createTopics([
      { name: 'words', partitions: 2, configs: { 'retention.ms': '-1' } },
      { name: 'compacted', partitions: 1, configs: { 'cleanup.policy': 'compact' } },
      { name: 'deleted', partitions: 1 },
    ])
    await write(log, 'a', 'b', 'c', 'd')
    await write(log, 'e', 'f')
    const offset: CommittedOffset = { offset: 2, metadata: 'so far' }
    await log.commitOffsets('readers', new PartitionMap<CommittedOffset>().set('words', 1, offset))
    await log.deleteRecords(new PartitionMap<number>().set('words', 0, 1))
    await log.deleteTopics(['deleted'])
    const before = await contentOf(log)
    const id = (await log.describeTopics(['words'])).get('words')?.id
    const { topics } = await backUpLog(place, backup)
    await log.close()
    expect(topics.map(({ name }) => name).sort()).toEqual(['compacted', 'words'])

    await restoreLog(backup, restored)
    await withLog(restored, async (again) => {
      expect(await contentOf(again)).toEqual(before)
      expect((await again.describeTopics(['words'])).get('words')?.id).not.toBe(id)
      await again.createTopics([{ name: 'deleted', partitions: 1 }])
      await write(again, 'g')
      expect((await valuesOf(again)).filter((value) => value === 'g')).toHaveLength(1)
    })
    await restoreLog(backup, join(root, 'second'))
  })

  test('has what was there at one moment, whatever is written, deleted and created meanwhile', async () => {
    await withLog(place, async (log) => {
      await log.createTopics([words, counts].map(({ name }) => ({ name, partitions: 1 })))
      await write(log, 'before')
      const snapshot = await shared(log).openSnapshot()
      await write(log, 'after')
      await log.deleteTopics(['counts'])
      const rows: Buffer[] = []
      for (let page = await snapshot.next(); page !== undefined; page = await snapshot.next()) rows.push(...page)
      const bytes = Buffer.concat(rows).toString('latin1')
      expect([bytes.includes('before'), bytes.includes('after'), bytes.includes('tcounts')]).toEqual([
        true,
        false,
        true,
      ])
      expect(snapshot.content.topics.map(({ name, ends }) => [name, ends])).toEqual([
        ['words', [1]],
        ['counts', [0]],
      ])
    })
  })

  test('begins again when the process that has the log gives it away: it never ends early', async () => {
    const holder = await embeddedLog({ directory: place })
    await holder.createTopics([{ name: 'words', partitions: 1 }])
    await write(holder, 'a'.repeat(2 ** 20), 'b'.repeat(2 ** 20), 'c'.repeat(2 ** 20))
    const other = await embeddedLog({ directory: place })
    const here = await shared(holder).openSnapshot()
    const there = await shared(other).openSnapshot()
    expect([await here.next(), await there.next()]).not.toContain(undefined)
    const release = await shared(other).hold({ attach: true })
    await expect(here.next()).rejects.toThrow(SnapshotLost)
    await expect(there.next()).rejects.toThrow(SnapshotLost)
    await release()
    await holder.close()
    await other.close()
  })

  test('lets nobody take half of it for the whole', async () => {
    await withLog(place, async (log) => {
      await log.createTopics([{ name: 'words', partitions: 1 }])
      await write(log, 'a', 'b')
    })
    await backUpLog(place, backup)
    const rows = join(backup, 'rows')
    const marker = join(backup, 'millrace-log-backup.json')
    const good = [readFileSync(rows), readFileSync(marker, 'utf8')] as const
    const refused = async (said: RegExp): Promise<void> => {
      await expect(restoreLog(backup, restored)).rejects.toMatchObject({ code: 'MR_BACKUP_INVALID', message: said })
      expect(readdirSync(root).sort()).toEqual(['backup', 'log'])
      mkdirSync(backup, { recursive: true })
      writeFileSync(rows, good[0])
      writeFileSync(marker, good[1])
    }
    truncateSync(rows, good[0].length - 1)
    await refused(/rows has \d+ bytes instead of \d+/)
    appendFileSync(rows, 'x')
    await refused(/rows has \d+ bytes instead of \d+/)
    writeFileSync(rows, good[0].fill(1, 40, 41))
    await refused(/other bytes than were written/)
    rmSync(rows)
    await refused(/rows is missing/)
    truncateSync(marker, 20)
    await refused(/cannot be read/)
    writeFileSync(marker, good[1].replace('"format":1', '"format":2'))
    await refused(/has format 2, this version knows 1/)
    rmSync(marker)
    await refused(/holds no backup/)
  })

  test('goes to no place that holds something, and of no log there is none', async () => {
    await expect(backUpLog(place, backup)).rejects.toMatchObject({ code: 'MR_BACKUP_SOURCE' })
    expect(existsSync(place)).toBe(false)
    await withLog(place, async (log) => await log.createTopics([{ name: 'words', partitions: 1 }]))
    mkdirSync(backup)
    await backUpLog(place, backup)
    await expect(backUpLog(place, backup)).rejects.toMatchObject({ code: 'MR_BACKUP_PLACE' })
    await expect(restoreLog(backup, place)).rejects.toMatchObject({ code: 'MR_BACKUP_PLACE' })
    await expect(backUpLog(backup, restored)).rejects.toMatchObject({ code: 'MR_STATE_FOREIGN' })
  })
})

describe('an application on a restored log', () => {
  const app = defineApp({
    id: 'counting',
    commitInterval: 20,
    build: (builder) => {
      builder.globalTable(topic('rates', { key: string(), value: string() }), { store: 'rates' })
      builder
        .stream(words)
        .groupBy((word) => word, { key: string() })
        .count({ store: 'counts' })
        .toStream()
        .to(counts)
    },
  })

  async function run(directory: string, state: string, act: (log: Log) => Promise<void>): Promise<void> {
    await withLog(directory, async (log) => {
      await log.createTopics(['words', 'counts', 'rates'].map((name) => ({ name, partitions: 1 })))
      const streams = await Streams.start(app, { log, stateDirectory: join(root, state) })
      await streams.whenRunning()
      await act(log)
      await streams.close()
    })
  }

  async function counted(log: Log, word: string, count: number): Promise<void> {
    const found = new Map<string | null, number | null>()
    await until(async () => {
      for await (const { key, value } of readTopic(log, counts, { until: 'end' })) found.set(key, value)
      return found.get(word) === count
    })
  }

  test('does not believe state that is ahead of the log, and does not lose what the log has', async () => {
    await run(place, 'state', async (log) => {
      await write(log, 'mill', 'mill', 'race')
      await counted(log, 'race', 1)
      await backUpLog(place, backup)
      // The lost life: the state has it, and the restored log has not.
      await write(log, 'mill', 'race', 'race', 'race')
      await counted(log, 'race', 4)
    })
    await restoreLog(backup, restored)
    // Another life with more rows, so that the offsets that the state knows are in the log again.
    await run(restored, 'other-state', async (log) => {
      await write(log, 'wheel', 'stone', 'water', 'wind', 'ox', 'grain')
      await counted(log, 'grain', 1)
    })
    await run(restored, 'state', async (log) => {
      await write(log, 'mill', 'race')
      await counted(log, 'mill', 3)
      await counted(log, 'race', 2)
    })
    await run(restored, 'state', async (log) => {
      await write(log, 'race', 'wheel')
      await counted(log, 'race', 3)
      await counted(log, 'wheel', 2)
    })
  })
})
