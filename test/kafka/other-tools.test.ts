import { beforeAll, describe, expect, test } from 'vitest'
import { Headers, readTopic, TopicWriter, type TopicRecord } from 'millrace'
import { kafka } from 'millrace/kafka'
import { CliProcess, runMillrace } from '../cli/cli-process.ts'
import { bytesTopic } from '../cli/records-suite.ts'
import { sharedBroker, uniqueName } from './broker/index.ts'
import { kafkaTool, output } from './other-tools.ts'

let brokers: string
let server: readonly string[]

beforeAll(async () => {
  brokers = await sharedBroker()
  server = ['--bootstrap-server', brokers]
})

type Plain = Omit<TopicRecord<Buffer, Buffer>, 'headers' | 'timestamp'> & { readonly headers: readonly unknown[] }

async function create(name: string, partitions = 1): Promise<string> {
  const log = kafka({ brokers })
  await log.createTopics([{ name, partitions }])
  await log.close()
  return name
}

async function recordsOf(name: string): Promise<Plain[]> {
  const log = kafka({ brokers })
  const records: Plain[] = []
  for await (const { headers, timestamp: _now, ...record } of readTopic(log, bytesTopic(name), { until: 'end' }))
    records.push({ ...record, headers: Array.from(headers) })
  await log.close()
  return records.sort((one, other) => one.partition - other.partition || one.offset - other.offset)
}

/** Writes lines by `millrace produce`. */
async function produce(args: readonly string[], input: string | Buffer): Promise<void> {
  const process = new CliProcess(['produce', ...args, '--kafka', brokers], {}, input)
  process.endInput()
  expect(await process.result()).toMatchObject({ code: 0, stdout: '' })
}

async function millrace(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await runMillrace(...args, '--kafka', brokers)
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.not.stringContaining('error') })
  return stdout
}

/** Records with everything that records can have and that a line can show. */
async function written(): Promise<string> {
  const name = await create(uniqueName('read'))
  const log = kafka({ brokers })
  await using writer = await TopicWriter.open(log, bytesTopic(name))
  const headers = new Headers().add('trace', '4bf92f35').add('none', null).add('trace', 'again')
  const at = (timestamp: number) => ({ timestamp })
  writer.write(Buffer.from('alice'), Buffer.from('200'), { timestamp: 1_700_000_000_001, headers })
  writer.write(Buffer.from('bob'), null, at(1_700_000_000_000))
  writer.write(null, Buffer.from('no key'), at(0))
  writer.write(Buffer.from(''), Buffer.from(''), at(1))
  writer.write(Buffer.from('Ünïcode 🎡'), Buffer.from('{"a": "b\\n"}'), at(2))
  writer.write(Buffer.of(0xff, 0x00, 0xfe), Buffer.of(0x80, 0x01, 0xc3), at(3))
  await writer.close()
  await log.close()
  return name
}

describe("Kafka's own tools and kcat", () => {
  test('print the same lines of a topic as millrace consume, byte by byte', async () => {
    const name = await written()
    const columns = ['timestamp', 'partition', 'offset', 'headers', 'key'].flatMap((each) => [
      '--formatter-property',
      `print.${each}=true`,
    ])
    const asked = ['--topic', name, ...server, '--from-beginning', '--max-messages', '6', ...columns]
    const raw = ['--key', 'text', '--value', 'text']
    const ours = new CliProcess(['consume', ...asked, ...raw], {}, undefined, 'latin1')
    const format = ['%T %p %o %k %s\n', '%h\n', '%K %S\n']
    const [java, printed, ...kcats] = await Promise.all([
      kafkaTool('kafka-console-consumer', asked),
      ours.result(),
      ...format.map((each) => output('kcat', ['-C', '-e', '-q', '-b', brokers, '-t', name, '-f', each])),
    ])
    expect(printed).toMatchObject({ code: 0, stderr: expect.not.stringContaining('error') })
    expect(printed.stdout.split('\n')).toEqual(java.toString('latin1').split('\n'))
    for (const [index, each] of format.entries()) {
      const how = ['-e', '--null', each === '%h\n' ? 'NULL' : '', ...raw, '--format', each]
      const own = new CliProcess(['consume', name, '--kafka', brokers, ...how], {}, undefined, 'latin1')
      expect((await own.result()).stdout).toBe(kcats[index]!.toString('latin1'))
    }
  })

  test('write the same records of the same lines as millrace produce, to the same partitions', async () => {
    const input = 'trace:1,span:2\talice:100\nNULL\tbob:NULL\nNULL\tcarol:{"a": 1}\nNULL\tÜ:ß\nNULL\t:empty\n'
    const names = [await create(uniqueName('java'), 4), await create(uniqueName('own'), 4)] as const
    const properties = ['parse.key=true', 'key.separator=:', 'null.marker=NULL', 'parse.headers=true']
    const how = properties.flatMap((each) => ['--reader-property', each])
    await Promise.all([
      kafkaTool('kafka-console-producer', ['--topic', names[0], ...server, ...how], input),
      produce(['--topic', names[1], ...how], input),
    ])
    const [java, own] = [await recordsOf(names[0]), await recordsOf(names[1])]
    expect(java).toHaveLength(5)
    expect(own).toEqual(java)

    const lines = 'alice:100\nbob:\ncarol:{"a": 1}\n'
    const more = [await create(uniqueName('kcat')), await create(uniqueName('own'))] as const
    const kcat = ['-P', '-b', brokers, '-t', more[0], '-K', ':', '-H', 'trace=4bf9', '-Z']
    await Promise.all([
      output('kcat', kcat, lines),
      produce([more[1], '--key-separator', ':', '--header', 'trace=4bf9', '--null', ''], lines),
    ])
    expect(await recordsOf(more[1])).toEqual(await recordsOf(more[0]))
  })

  test('show topics and groups as millrace does, and change what it shows', async () => {
    const [name, group] = [uniqueName('topic'), uniqueName('group')]
    const configs = ['--config', 'retention.ms=604800000']
    await kafkaTool('kafka-topics', [...server, '--create', '--topic', name, '--partitions', '2', ...configs])
    await produce([name, '--key-separator', ':'], 'a:1\nb:2\nc:3\n')
    await millrace('consume', name, '--group', group, '--from-beginning', '--timeout', '2s')
    const [topics, ownTopics, groups, ownGroups] = await Promise.all([
      kafkaTool('kafka-topics', [...server, '--describe', '--topic', name]),
      millrace('topics', 'describe', name),
      kafkaTool('kafka-consumer-groups', [...server, '--describe', '--group', group]),
      millrace('groups', 'describe', group),
    ])
    // Kafka's tool also lists configs of the brokers.
    const columnsOf = (text: string): string[][] =>
      text
        .trim()
        .split('\n')
        .map((line) => line.trim().split('\t').slice(0, 5))
        .map((cells) => cells.map((cell) => cell.trim().replace(/^Configs: .*(retention.ms=\d+).*/, '$1')))
    expect(columnsOf(ownTopics)).toEqual(columnsOf(topics.toString()))
    expect(ownTopics).toContain('retention.ms=604800000')
    const rowsOf = (text: string): string[][] =>
      text
        .trim()
        .split('\n')
        .map((line) => line.split(/ +/).slice(0, 6))
        .sort()
    expect(rowsOf(ownGroups)).toEqual(rowsOf(groups.toString()))

    const reset = ['--reset-offsets', '--group', group, '--topic', name, '--to-earliest', '--execute']
    await kafkaTool('kafka-consumer-groups', [...server, ...reset])
    const { offsets } = JSON.parse(await millrace('groups', 'describe', group, '--json'))
    expect(offsets).toMatchObject([{ offset: 0 }, { offset: 0 }])
  })
})
