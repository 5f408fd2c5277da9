import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { json, memoryLog, string, topic, TopicWriter } from 'millrace'
import { serve, type Server } from 'millrace/server'
import { Running, until } from '../server/support.ts'
import { ask } from './ask.ts'
import { CliProcess } from './cli-process.ts'

const payments = topic('payments', { key: string(), value: json<number | null>() })

const log = memoryLog()
let running: Running
let server: Server
beforeAll(async () => {
  await log.createTopics([{ name: payments.name, partitions: 2 }])
  await write(['alice', 5], ['anna', 1], ['bob', 1])
  running = await Running.start(
    {
      guarantee: 'exactly_once',
      commitInterval: '10ms',
      build: (builder) => void builder.table(payments, { store: 'accounts' }),
    },
    { log },
  )
  server = await serve(running.streams, { listen: 0 })
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  await log.close()
})

async function write(...records: readonly (readonly [string, number | null])[]): Promise<void> {
  await using writer = await TopicWriter.open(log, payments)
  for (const [key, value] of records) writer.write(key, value, { timestamp: 0 })
  await writer.flush()
}

const TIME = '1970-01-01T00:00:00.000Z'

/** Starts a watch, and returns it when its first lines are there. */
async function start(first: number, ...args: readonly string[]): Promise<CliProcess> {
  const command = new CliProcess(['query', 'accounts', ...args, '--watch', '--url', server.address!.url])
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
    await write(['alice', 6], ['bob', 2])
    await until(() => linesOf(command).length === 3)
    expect(linesOf(command).at(-1)).toBe(`alice  ${TIME}  6`)

    const { port } = server.address!
    await server.close()
    await command.stderrMatches(/^error MR_C\w+: .*\n {2}hint: The watch goes on/m)
    await write(['anna', null], ['alice', 7])
    server = await serve(running.streams, { listen: port })
    await until(() => linesOf(command).length === 5)
    expect(linesOf(command).slice(3).toSorted()).toEqual([`alice  ${TIME}  7`, 'anna  -  deleted'])
    await write(['anna', 8])
    await until(() => linesOf(command).length === 6)
    command.signal('SIGINT')
    const { stderr } = await command.result()
    expect(stderr.match(/^error/gm)).toHaveLength(1)
  })

  test('prints JSON of one key, for programs', async () => {
    const command = await start(1, 'bob', '--json')
    await write(['bob', null])
    await until(() => linesOf(command).length === 2)
    const [row, gone] = linesOf(command).map((line) => JSON.parse(line) as object)
    expect(row).toMatchObject({ key: 'bob', value: expect.any(Number), timestamp: 0 })
    expect(gone).toEqual({ key: 'bob', deleted: true, partition: expect.any(Number) })
    command.signal('SIGTERM')
    await command.result()
  })

  test('ends with the error of the first answer', async () => {
    const { url } = server.address!
    const watch = (...args: readonly string[]) => ask('query', ...args, '--watch', '--url', url)
    expect(await watch('nothing')).toMatchObject({ code: 1, stderr: expect.stringContaining('MR_STORE_UNKNOWN') })
    expect(await watch('accounts', 'a', '--prefix', 'a')).toMatchObject({
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
