import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { embeddedLog, memoryLog, type Log } from 'millrace'
import { columnFormat, jsonFormat, parseFormat } from '../../src/cli/records/record-format.ts'
import { LineSplitter } from '../../src/cli/records/line-splitter.ts'
import { TextBlock } from '../../src/record-forms/text-block.ts'
import { RecordSlice } from '../../src/record/record-slice.ts'
import { CliProcess } from './cli-process.ts'
import { recordCommandTests, type CommandPlace } from './records-suite.ts'
import { topicCommandTests } from './topics-suite.ts'

const data = mkdtempSync(join(tmpdir(), 'millrace-cli-records-'))
afterAll(() => rmSync(data, { recursive: true, force: true }))

let names = 0
const embedded: CommandPlace = {
  args: () => ['--data', data],
  name: (prefix) => `${prefix}-${names++}`,
  async withLog(act) {
    const log = await embeddedLog({ directory: join(data, 'log') })
    try {
      return await act(log)
    } finally {
      await log.close()
    }
  },
}

async function created(partitions = 1): Promise<string> {
  const name = embedded.name('live')
  await embedded.withLog(async (log) => log.createTopics([{ name, partitions }]))
  return name
}

describe('on the embedded log', () => {
  recordCommandTests(embedded)
  topicCommandTests(embedded)
})

describe('a process', () => {
  test('that consumes ends with 0 when it is interrupted', async () => {
    const name = await created()
    const consumer = new CliProcess(['consume', name, '--data', data])
    await consumer.stderrMatches(/^reading /m)
    consumer.signal('SIGINT')
    expect(await consumer.result()).toMatchObject({ code: 0, stdout: '' })
  })

  test('that nobody reads ends with 0, as with head', async () => {
    const name = await created()
    const file = join(data, 'many')
    writeFileSync(file, 'a line that fills the pipe\n'.repeat(20_000))
    const producer = new CliProcess(['produce', name, file, '--data', data])
    expect((await producer.result()).stderr).toContain('20,000 records')
    const consumer = new CliProcess(['consume', name, '--from-beginning', '--data', data])
    await consumer.readNoMore()
    expect((await consumer.result()).code).toBe(0)
  })

  test('that gets its input from a pipe writes all of it, whatever the chunks are', async () => {
    const name = await created()
    const lines = Array.from({ length: 5000 }, (_, n) => `${n}:${'é'.repeat(n % 100)}\n`).join('')
    const producer = new CliProcess(['produce', name, '--data', data], {}, lines)
    producer.endInput()
    expect((await producer.result()).code).toBe(0)
    const consumer = new CliProcess(['consume', name, '-e', '--data', data])
    expect((await consumer.result()).stdout).toBe(lines)
  })
})

describe('lines', () => {
  test.each([1, 2, 3, 7, 100])('are the same in chunks of %d bytes', (size) => {
    const input = Buffer.from('a\r\n\nlong line\nlast')
    const lines: string[] = []
    const splitter = new LineSplitter()
    const take = (): void => void lines.push(splitter.buffer.toString('utf8', splitter.start, splitter.end))
    for (let at = 0; at < input.length; at += size) {
      splitter.add(input.subarray(at, at + size))
      while (splitter.next()) take()
    }
    if (splitter.last()) take()
    expect(lines).toEqual(['a', '', 'long line', 'last'])
  })

  test('that never end are refused before they fill the memory', () => {
    const splitter = new LineSplitter()
    const chunk = Buffer.alloc(40 << 20, 'x')
    for (let chunks = 0; chunks < 2; chunks++) {
      splitter.add(chunk)
      expect(splitter.next()).toBe(false)
    }
    expect(() => splitter.add(chunk)).toThrow(/a line is longer than/)
  })
})

describe('on a terminal', () => {
  const options = { topic: 't', key: 'auto', value: 'auto', null: 'null', isTerminal: true } as const
  const columns = { timestamp: false, partition: false, offset: false, headers: false, key: true, value: true }

  async function printed(value: Buffer, print: Parameters<typeof columnFormat>[0] | 'json'): Promise<string> {
    const log: Log = memoryLog()
    await log.createTopics([{ name: 't', partitions: 1 }])
    const producer = log.openProducer()
    producer.append('t', 0, RecordSlice.of(0, Buffer.from('\u001b[31m'), value, undefined))
    await producer.flush()
    const block = new TextBlock(8)
    const reader = log.openReader()
    reader.assign('t', 0, 0)
    const format = print === 'json' ? jsonFormat(options) : columnFormat(print, { ...columns, separator: ' ' })
    reader.poll((_topic, partition, cursor) => {
      while (cursor.next()) format(block, partition, cursor)
    })
    return block.bytes.toString('utf8')
  }

  test('controls are escaped, so that a record cannot write to it', async () => {
    expect(await printed(Buffer.from('a\u0007\u009bb'), options)).toBe(String.raw`\x1b[31m a\x07\x9bb` + '\n')
    expect(await printed(Buffer.from('a\u0007\u009bb'), 'json')).toContain(String.raw`"value":"a\u0007\u009bb"`)
  })

  test.each([[0xff], [0x1b]])('bytes as they are must be text: %j', async (...bytes) => {
    const print = printed(Buffer.from(bytes), { ...options, value: 'text' })
    await expect(print).rejects.toMatchObject({ code: 'MR_CLI_BINARY', hint: expect.stringContaining('--value auto') })
  })
})

test('a format is refused for what stands for nothing', () => {
  for (const format of ['%', '%q', '\\q', '\\x1', '\\'])
    expect(() => parseFormat(format)).toThrow(/stands for|two digits/)
  expect(parseFormat('%%\\x41%v\\n')).toEqual(['%A', { letter: 'v' }, '\n'])
})

test('a deletion asks for the name on a terminal, and does nothing for another answer', async () => {
  const name = await created()
  const main = join(import.meta.dirname, '../../src/cli/main.ts')
  const command = [process.execPath, '--conditions=millrace-source', main, 'topics', 'delete', name, '--data', data]
  const onTerminal = async (answer: string): Promise<string> => {
    const child = spawn('script', ['-qec', command.join(' '), '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      if (!said.includes('to go on: ') && (said + text).includes('to go on: ')) child.stdin.write(`${answer}\n`)
      said += text
    })
    await once(child, 'close')
    return said
  }
  expect(await onTerminal('no')).toContain('MR_CLI_DECLINED')
  expect(await onTerminal(name)).toContain(`deleted topic ${name}`)
})
