import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { string, topic, TopicWriter, tumbling } from 'millrace'
import { serve } from 'millrace/server'
import { Accounts } from '../server/accounts.ts'
import { until } from '../server/support.ts'
import { ask } from './ask.ts'
import { CliProcess } from './cli-process.ts'

const clicks = topic('clicks', { key: string(), value: string() })

let accounts: Accounts
beforeAll(async () => {
  accounts = await Accounts.start(
    (builder) =>
      void builder
        .stream(clicks)
        .groupByKey()
        .windowedBy(tumbling('1m', { grace: '1d' }))
        .count({ store: 'minutes' }),
    clicks,
  )
  await accounts.pay(['alice', 5], ['anna', 1], ['bob', 1])
  const rows = async () => ((await (await fetch(`${accounts.url}/v1/stores/accounts/entries`)).json()) as Rows).rows
  await until(async () => (await rows()).length === 3)
})
afterAll(() => accounts[Symbol.asyncDispose]())

interface Rows {
  readonly rows: readonly object[]
}

const TIME = '1970-01-01T00:00:00.000Z'

/** Starts a watch of accounts, and returns it when its first lines are there. */
const start = (first: number, ...args: readonly string[]): Promise<CliProcess> => startOf('accounts', first, ...args)

async function startOf(store: string, first: number, ...args: readonly string[]): Promise<CliProcess> {
  const command = new CliProcess(['query', store, ...args, '--watch', '--url', accounts.url])
  await until(() => linesOf(command).length === first)
  return command
}

function linesOf({ stdout }: CliProcess): readonly string[] {
  return stdout.split('\n').slice(0, -1)
}

describe('millrace query --watch', () => {
  test('prints a line for each row and each change, and goes on after its connection was cut', async () => {
    const command = await start(2, '--prefix', 'a')
    expect(linesOf(command).toSorted()).toEqual([`alice  ${TIME}  5`, `anna  ${TIME}  1`])
    await accounts.pay(['alice', 6], ['bob', 2])
    await until(() => linesOf(command).length === 3)
    expect(linesOf(command).at(-1)).toBe(`alice  ${TIME}  6`)

    const { port } = accounts.server.address!
    await accounts.server.close()
    await command.stderrMatches(/^error MR_C\w+: .*\n {2}hint: The watch goes on/m)
    await accounts.pay(['anna', null], ['alice', 7])
    accounts.server = await serve(accounts.running.streams, { listen: port })
    await until(() => linesOf(command).length === 5)
    expect(linesOf(command).slice(3).toSorted()).toEqual([`alice  ${TIME}  7`, 'anna  -  deleted'])
    await accounts.pay(['anna', 8])
    await until(() => linesOf(command).length === 6)
    command.signal('SIGINT')
    const { stderr } = await command.result()
    expect(stderr.match(/^error/gm)).toHaveLength(1)
  })

  test('prints JSON of one key, for programs', async () => {
    const command = await start(1, 'bob', '--json')
    await accounts.pay(['bob', null])
    await until(() => linesOf(command).length === 2)
    const [row, gone] = linesOf(command).map((line) => JSON.parse(line) as object)
    expect(row).toMatchObject({ key: 'bob', value: expect.any(Number), timestamp: 0 })
    expect(gone).toEqual({ key: 'bob', deleted: true, partition: expect.any(Number) })
    command.signal('SIGTERM')
    await command.result()
  })

  test('prints windows with their bounds, those of a time, and those that are gone', async () => {
    await using writer = await TopicWriter.open(accounts.log, clicks)
    for (const timestamp of [0, 60_000]) writer.write('ann', 'x', { timestamp })
    await writer.flush()
    const [minute, next, later] = [TIME, '1970-01-01T00:01:00.000Z', '1970-01-01T00:02:00.000Z']
    const command = await startOf('minutes', 2, 'ann')
    const early = await startOf('minutes', 1, 'ann', '--to', '1970-01-01', '--json')
    expect(linesOf(command)).toEqual([`ann  ${minute}  ${next}  1`, `ann  ${next}  ${later}  1`])
    writer.write('ann', 'x', { timestamp: 2 * 86_400_000 })
    await writer.flush()
    await until(() => linesOf(command).length === 5)
    expect(linesOf(command).slice(3)).toEqual([`ann  ${minute}  ${next}  deleted`, `ann  ${next}  ${later}  deleted`])
    await until(() => linesOf(early).length === 2)
    expect(linesOf(early).map((line) => JSON.parse(line) as object)).toEqual([
      { key: 'ann', value: 1, timestamp: 0, partition: expect.any(Number), start: 0, end: 60_000 },
      { key: 'ann', start: 0, end: 60_000, deleted: true, partition: expect.any(Number) },
    ])
    for (const each of [command, early]) {
      each.signal('SIGTERM')
      await each.result()
    }
  })

  test('ends with the error of the first answer', async () => {
    const { url } = accounts.server.address!
    const watch = (...args: readonly string[]) => ask('query', ...args, '--watch', '--url', url)
    expect(await watch('nothing')).toMatchObject({ code: 1, stderr: expect.stringContaining('MR_STORE_UNKNOWN') })
    expect(await watch('accounts', 'a', '--prefix', 'a')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('MR_SERVER_REQUEST'),
    })
    expect(await watch('accounts', '--from', '0')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('MR_SERVER_REQUEST'),
    })
    for (const other of [['--limit', '3'], ['--as-of', '0'], ['--windows'], ['--range', 'a..b']]) {
      expect(await watch('accounts', ...other)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(`--watch cannot be used with ${other[0]}`),
      })
    }
  })
})
