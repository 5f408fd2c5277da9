import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { embeddedLog } from 'millrace'
import { committedRecords } from '../log-harness.ts'
import { Member } from './processes.ts'

const root = mkdtempSync(join(tmpdir(), 'millrace-shared-'))
const members: Member[] = []
afterAll(async () => {
  for (const member of members) await member.kill()
  rmSync(root, { recursive: true, force: true })
})

function start(): Member {
  const member = new Member()
  members.push(member)
  return member
}

let count = 0
let directory = ''
beforeEach(() => {
  directory = join(root, `${++count}`)
})

const numbers = (to: number): number[] => Array.from({ length: to }, (_, number) => number)
const sorted = (member: Member): number[] => member.read.map(({ number }) => number).sort((a, b) => a - b)

/** Checks that nothing was read twice, or out of order within its partition. */
function expectInOrder({ read }: Member): void {
  for (const partition of [0, 1]) {
    const offsets = read.filter((record) => record.partition === partition).map(({ offset }) => offset)
    expect(offsets).toEqual(offsets.toSorted((a, b) => a - b))
    expect(new Set(offsets).size).toBe(offsets.length)
  }
}

describe('a consumer, a producer and an application, each in a process of its own', () => {
  let processes: Member[]
  beforeAll(() => {
    processes = [start(), start(), start()]
  })

  const roles = ['consumer', 'producer', 'application'] as const
  const orders = roles.flatMap((first) =>
    roles.flatMap((second) =>
      roles.filter((third) => new Set([first, second, third]).size === 3).map((third) => [first, second, third]),
    ),
  )

  test.each(orders)('work on one embedded log: %s, then %s, then %s', async (...order) => {
    const [consumer, producer, application] = processes as [Member, Member, Member]
    const byRole = { consumer, producer, application }
    consumer.read.length = 0
    for (const role of order) {
      await byRole[role].carryOut({ do: 'open', directory })
      if (role === 'consumer') await consumer.carryOut({ do: 'consume', topic: 'doubled' })
      if (role === 'producer') await producer.carryOut({ do: 'produce', from: 0, to: 100, batch: 10 })
      if (role === 'application') expect(await application.carryOut({ do: 'run', attach: true })).toBe('held')
    }
    await producer.carryOut({ do: 'produce', from: 100, to: 200, batch: 7 })
    await consumer.until('all is read', () => consumer.read.length >= 200)
    expect(await consumer.carryOut({ do: 'way' })).toBe('attached')
    expect(sorted(consumer)).toEqual(numbers(200).map((number) => number * 2))
    expectInOrder(consumer)
    // The process that holds the log ends first, and the others go on.
    for (const role of ['application', 'producer', 'consumer'] as const) await byRole[role].carryOut({ do: 'close' })
  })
})

test('a consumer and a producer go on when the application with the log is killed: each number once', async () => {
  const [consumer, producer] = [start(), start()]
  const applications = [start(), start()]
  await consumer.carryOut({ do: 'open', directory })
  await producer.carryOut({ do: 'open', directory })
  await consumer.carryOut({ do: 'consume', topic: 'payments' })
  let to = 0
  for (const application of applications) {
    await application.carryOut({ do: 'open', directory })
    expect(await application.carryOut({ do: 'run', attach: true })).toBe('held')
    const from = to
    to += 2400
    producer.send({ do: 'produce', from, to, batch: 3 })
    await producer.until('the application is at work', () => producer.acknowledged > from + 200)
    await application.kill()
    await producer.answer('produce')
  }
  await consumer.until('all is read', () => consumer.read.length >= to)
  await producer.carryOut({ do: 'close' })
  await consumer.carryOut({ do: 'close' })
  expect(sorted(consumer)).toEqual(numbers(to))
  expectInOrder(consumer)

  const log = await embeddedLog({ directory: join(directory, 'log') })
  const written = [...(await committedRecords(log, 'payments', 0)), ...(await committedRecords(log, 'payments', 1))]
  expect(written.map(({ value }) => Number(value)).sort((a, b) => a - b)).toEqual(numbers(to))
  expect(await log.listTopics()).toContain('payments')
  await log.close()
})

test('an application takes the log from a tool, not from another application', async () => {
  const [tool, first, second] = [start(), start(), start()]
  expect(await tool.carryOut({ do: 'open', directory })).toBe('held')
  await tool.carryOut({ do: 'consume', topic: 'payments' })
  await first.carryOut({ do: 'open', directory })
  expect(await first.carryOut({ do: 'run', attach: true })).toBe('held')
  await tool.carryOut({ do: 'produce', from: 0, to: 10, batch: 10 })
  expect(await tool.carryOut({ do: 'way' })).toBe('attached')
  await second.carryOut({ do: 'open', directory })
  expect(await second.carryOut({ do: 'run', attach: true })).toBe('MR_STATE_LOCKED')
  await first.carryOut({ do: 'close' })
  await tool.until('the tool has read all', () => tool.read.length === 10)
  // The log is that of whoever took it, until the next application asks.
  expect(await second.carryOut({ do: 'run', attach: false })).toBe('held')
  expect(await first.carryOut({ do: 'open', directory })).toBe('MR_STATE_LOCKED')
})
