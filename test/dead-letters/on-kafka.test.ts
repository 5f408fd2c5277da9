import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readDeadLetters, replayDeadLetters } from 'millrace'
import { kafka } from 'millrace/kafka'
import { expect, test, vi } from 'vitest'
import { CliProcess, fixture, runMillrace } from '../cli/cli-process.ts'
import { append, clientOptions } from '../log/log-harness.ts'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'
import { addLetter, all, createTopics, originHeaders, recordsIn, writeTexts } from './letters.ts'
import { paymentsApp } from './payments-app.ts'
import { describeDeadLetters } from './suite.ts'

describeDeadLetters('Kafka', async () => kafka({ brokers: await sharedBroker() }), uniqueName)

test('a mark behind an open transaction is waited for, not overlooked', async () => {
  const log = kafka({ brokers: await sharedBroker() })
  const { app, payments, rejected } = paymentsApp(`${uniqueName('hidden')}-`)
  await createTopics(log, [payments, rejected], 1)
  const id = await addLetter(log, rejected, originHeaders(payments, 0, 0))
  // A transaction of somebody else begins after the first replay has looked for marks, and before it writes its own.
  const other = await log.openClient(clientOptions(uniqueName('other'), 1, []))
  await other.producer.loadPartitionCount(rejected)
  const openClient = log.openClient.bind(log)
  log.openClient = async (options) => {
    const client = await openClient(options)
    const { producer } = client
    const loadPartitionCount = producer.loadPartitionCount.bind(producer)
    producer.loadPartitionCount = async (name) => {
      if (name === payments) {
        append(other.producer, rejected, 0, 'k', 'v')
        await other.producer.flush()
      }
      return loadPartitionCount(name)
    }
    return client
  }
  await replayDeadLetters(app, log, [id])
  log.openClient = openClient

  // Readers see nothing of the mark before that transaction has ended.
  const reader = log.openReader()
  reader.assign(rejected, 0, 0)
  await expect.poll(() => reader.endOffset(rejected, 0)).toBe(1)
  await reader.close()
  const second = replayDeadLetters(app, log, [id]).catch((error: unknown) => error)
  expect(await Promise.race([second, recordsIn(log, payments)])).toMatchObject([{ place: '0@0' }])
  // A reader that cannot wait for so long gives it up.
  const given = all(readDeadLetters(app, log, { signal: AbortSignal.timeout(300) }))
  await expect(given).rejects.toMatchObject({ name: 'TimeoutError' })
  await other.abort()
  expect(await second).toMatchObject({ code: 'MR_DEAD_LETTER_REPLAYED' })
  expect(await recordsIn(log, payments)).toHaveLength(1)
  await other.close()
  await log.close()
})

test('the command lists and replays them while the application runs', async () => {
  const prefix = `${uniqueName('command')}-`
  vi.stubEnv('TEST_PREFIX', prefix)
  const brokers = await sharedBroker()
  const log = kafka({ brokers })
  const { payments, rejected } = paymentsApp(prefix)
  await createTopics(log, [payments, `${prefix}amounts`, rejected], 1)
  await writeTexts(log, payments, [
    ['alice', '{"cents":1}'],
    ['bob', 'no json'],
  ])
  const data = mkdtempSync(join(tmpdir(), 'millrace-letters-'))
  const on = ['--kafka', brokers, '--data', data]
  const run = new CliProcess(['run', fixture('letters.ts'), ...on, '--log-format', 'json'])
  await run.stderrMatches(/"processed":1\b/)
  const letters = (...args: string[]) => runMillrace('dead-letters', ...args, ...on)
  await expect.poll(async () => (await recordsIn(log, rejected)).length, { timeout: 30_000 }).toBe(1)
  const listed = await letters('ls', fixture('letters.ts'), '--json')
  const { id } = JSON.parse(listed.stdout) as { readonly id: string }
  expect(id).toBe(`${rejected}-0-0`)

  writeFileSync(join(data, 'patch.json'), '{"value":{"cents":2}}')
  const replayed = await letters('replay', fixture('letters.ts'), id, '--patch', join(data, 'patch.json'))
  expect(replayed).toEqual({ code: 0, stdout: `${id} -> ${payments}/0\n`, stderr: '' })
  await run.stderrMatches(/"processed":2\b/)
  run.signal('SIGINT')
  expect((await run.result()).code).toBe(0)
  vi.unstubAllEnvs()
  rmSync(data, { recursive: true, force: true })
  await log.close()
})
