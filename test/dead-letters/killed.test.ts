import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedLog } from 'millrace'
import type { Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { afterAll, expect, test } from 'vitest'
import { replayAll } from '../../src/dead-letters/replay-dead-letters.ts'
import { RecordSlice } from '../../src/record/record-slice.ts'
import { sharedBroker, uniqueName } from '../kafka/broker/index.ts'
import { createTopics, lettersOf, originHeaders, recordsIn } from './letters.ts'
import { paymentsApp } from './payments-app.ts'

/** Two transactions, and a part of a third one. */
const LETTERS = 1_100

const directory = mkdtempSync(join(tmpdir(), 'millrace-killed-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const openEmbedded = (): Promise<Log> => embeddedLog({ directory })
const openKafka = async (): Promise<Log> => kafka({ brokers: await sharedBroker() })

async function replaysIn(log: Log, payments: string): Promise<string[]> {
  return (await recordsIn(log, payments)).map(({ headers }) => headers['millrace.replay-of'] ?? '')
}

/** Runs the process until it says that it is there, and kills it. */
async function kill(kind: string, prefix: string, when: string): Promise<void> {
  const script = join(import.meta.dirname, 'die-while-replaying.ts')
  const place = kind === 'kafka' ? await sharedBroker() : directory
  const child = spawn(process.execPath, ['--conditions=millrace-source', script, kind, place, prefix, when], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  let failure = ''
  child.stderr.on('data', (chunk: Buffer) => (failure += chunk.toString()))
  const said = await new Promise<string>((resolve) => {
    child.stdout.once('data', (chunk: Buffer) => resolve(chunk.toString()))
    child.once('exit', () => resolve(failure))
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGKILL')
  await ended
  expect(said).toBe('now')
}

test.each([
  ['embedded', 'before', openEmbedded, 500],
  ['embedded', 'after', openEmbedded, 1_000],
  ['kafka', 'before', openKafka, 500],
  ['kafka', 'after', openKafka, 1_000],
] as const)(
  'on the %s log a replay that is killed %s its commit is neither lost nor done twice',
  async (kind, when, open, done) => {
    const prefix = `${uniqueName('killed')}-`
    const { app, payments, rejected } = paymentsApp(prefix)
    let log = await open()
    await createTopics(log, [payments, rejected], 1)
    const producer = log.openProducer()
    await producer.loadPartitionCount(rejected)
    for (let i = 0; i < LETTERS; i++) {
      const record = RecordSlice.of(i, Buffer.from(`k${i}`), Buffer.from('{"cents":1}'), originHeaders(payments, 0, i))
      producer.append(rejected, 0, record)
    }
    await producer.flush()
    await producer.close()
    if (kind === 'embedded') await log.close()

    await kill(kind, prefix, when)

    if (kind === 'embedded') log = await open()
    let replayed = 0
    const count = (replays: readonly unknown[]): void => void (replayed += replays.length)
    const leave = (_id: string, error: Error): void => {
      throw error
    }
    await replayAll(app, log, rejected, {}, count, leave)
    expect(replayed).toBe(LETTERS - done)
    const ids = Array.from({ length: LETTERS }, (_, i) => `${rejected}-0-${i}`)
    expect(await replaysIn(log, payments)).toEqual(ids)
    const letters = await lettersOf(app, log)
    expect(letters.map(({ id }) => id)).toEqual(ids)
    expect(letters.every((letter) => letter.replayed === true)).toBe(true)
    await log.close()
  },
)
