import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { bytes, embeddedLog, json, readTopic, string, topic, TopicWriter } from 'millrace'
import { Member } from '../log/shared/processes.ts'
import { ask } from './ask.ts'
import { CliProcess } from './cli-process.ts'

const FILLER = topic('filler', { key: bytes(), value: bytes() })
/** Bytes of which a backup takes moments. */
const FILLED = 32 << 20

let data = ''
let backup = ''
const members: Member[] = []
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), 'millrace-log-backup-'))
  backup = join(data, 'backup')
})
afterEach(async () => {
  for (const member of members.splice(0)) await member.kill()
  rmSync(data, { recursive: true, force: true })
})

function start(): Member {
  const member = new Member()
  members.push(member)
  return member
}

/** Writes so much that a backup is not done before it is stopped. */
async function fill(): Promise<void> {
  const log = await embeddedLog({ directory: join(data, 'log'), fsync: false })
  await log.createTopics([{ name: FILLER.name, partitions: 1 }])
  const writer = await TopicWriter.open(log, FILLER)
  for (let size = 0; size < FILLED; size += 1 << 20) {
    writer.write(null, Buffer.alloc(1 << 20, size))
    await writer.flush()
  }
  await writer.close()
  await log.close()
}

/** Begins a backup, and stops its process when it has written a part. */
async function stoppedBackup(): Promise<CliProcess> {
  const process = new CliProcess(['log', 'backup', backup, '--data', data])
  const written = (): number => {
    const [part] = readdirSync(data).filter((name) => name.startsWith('backup.part-'))
    return part === undefined ? 0 : (statSync(join(data, part, 'rows'), { throwIfNoEntry: false })?.size ?? 0)
  }
  // A look every few ms would be too late.
  while (written() === 0) await setImmediate()
  process.signal('SIGSTOP')
  expect(existsSync(backup)).toBe(false)
  return process
}

async function numbersIn(directory: string, name: string): Promise<readonly (readonly number[])[]> {
  const log = await embeddedLog({ directory: join(directory, 'log') })
  const numbers: number[][] = [[], []]
  const its = topic(name, { key: string(), value: json<number>() })
  for await (const { value, partition } of readTopic(log, its, { until: 'end' })) numbers[partition]!.push(value!)
  await log.close()
  return numbers
}

test('a backup beside an application goes on when that is killed, and has all that was acknowledged', async () => {
  await fill()
  const application = start()
  await application.carryOut({ do: 'open', directory: data })
  await application.carryOut({ do: 'run', attach: true })
  const producer = start()
  await producer.carryOut({ do: 'open', directory: data })
  producer.send({ do: 'produce', from: 0, to: 1_000_000, batch: 20 })
  await producer.until('records are written', () => producer.acknowledged > 200)
  const before = producer.acknowledged

  const stopped = await stoppedBackup()
  await application.kill()
  stopped.signal('SIGCONT')
  expect(await stopped.result()).toMatchObject({ code: 0, stdout: '', stderr: expect.stringMatching(/^backed up 3 /) })
  await producer.kill()

  const restored = join(data, 'restored')
  expect(await ask('log', 'restore', backup, '--data', restored)).toMatchObject({ code: 0, stdout: '' })
  const payments = await numbersIn(restored, 'payments')
  const all = payments.flat().sort((a, b) => a - b)
  expect(all.length).toBeGreaterThanOrEqual(before)
  expect(all).toEqual(all.map((_, number) => number))
  // A commit is there whole, or not at all: results up to the offset that was committed with them.
  const log = await embeddedLog({ directory: join(restored, 'log') })
  const committed = await log.committedOffsets('doubling')
  await log.close()
  const results = payments.map((each, partition) =>
    each.slice(0, committed.get('payments', partition)?.offset).map((value) => value * 2),
  )
  expect(committed.size).toBe(2)
  expect(await numbersIn(restored, 'doubled')).toEqual(results)
})

test('a backup that is killed is none, and no obstacle to the next one', async () => {
  await fill()
  const stopped = await stoppedBackup()
  stopped.signal('SIGKILL')
  await stopped.result()
  const restored = join(data, 'restored')
  const refused = await ask('log', 'restore', backup, '--data', restored)
  expect(refused).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^error MR_BACKUP_INVALID: .*\n {2}hint: [A-Z]/),
  })
  expect(existsSync(restored)).toBe(false)
  expect(await ask('log', 'backup', backup, '--data', data)).toMatchObject({ code: 0 })
  expect(readdirSync(data).filter((name) => name.startsWith('backup'))).toEqual(['backup'])
  expect(await ask('log', 'restore', backup, '--data', restored)).toMatchObject({ code: 0 })
  const { stdout } = await ask('topics', 'describe', FILLER.name, '--data', restored)
  expect(stdout).toContain(`Offsets: 0-${FILLED >> 20}`)
})

test('bad input is one line with a code and a hint', async () => {
  const empty = join(data, 'empty')
  const refused = async (code: string, exit: number, ...args: readonly string[]): Promise<void> => {
    const { stderr, ...result } = await ask(...args)
    expect(stderr).toMatch(new RegExp(`^error ${code}: .*\n {2}hint: [A-Z].*\n$`))
    expect(result).toEqual({ code: exit, stdout: '' })
  }
  await refused('MR_BACKUP_SOURCE', 1, 'log', 'backup', backup, '--data', empty)
  expect(existsSync(empty)).toBe(false)
  await refused('MR_CLI_USAGE', 2, 'log', 'backup')
  await refused('MR_CLI_USAGE', 2, 'log', 'backup', backup, '--kafka', 'localhost:9092')
  expect(await ask('topics', 'create', 'words', '--data', data)).toMatchObject({ code: 0 })
  await refused('MR_BACKUP_PLACE', 1, 'log', 'backup', data, '--data', data)
  expect(await ask('log', 'backup', backup, '--data', data)).toMatchObject({ code: 0 })
  await refused('MR_BACKUP_PLACE', 1, 'log', 'restore', backup, '--data', data)
  await refused('MR_BACKUP_INVALID', 1, 'log', 'restore', data, '--data', empty)
  const stateful = join(data, 'stateful')
  mkdirSync(join(stateful, 'state', 'an-application'), { recursive: true })
  await refused('MR_BACKUP_PLACE', 1, 'log', 'restore', backup, '--data', stateful)
})
