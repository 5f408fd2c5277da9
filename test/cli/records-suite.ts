import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { bytes, Headers, readTopic, topic, TopicWriter, type Log, type TopicRecord } from 'millrace'
import { ask } from './ask.ts'
import type { CliResult } from './cli-process.ts'

/** A log on which commands work. */
export interface CommandPlace {
  /** Options that name the log: `--data DIR`, or `--kafka BROKERS`. */
  args(): readonly string[]
  /** Works on the log itself, while no command has it open. */
  withLog<T>(act: (log: Log) => Promise<T>): Promise<T>
  /** Returns a name that no other test uses. */
  name(prefix: string): string
}

export type Bytes = TopicRecord<Uint8Array, Uint8Array>

export function bytesTopic(name: string) {
  return topic(name, { key: bytes(), value: bytes() })
}

/** Returns what a test compares of records: bytes as text, and where they are. */
export function plain({ key, value, timestamp, partition, headers }: Bytes): object {
  const text = (part: Uint8Array | null): string | null => (part === null ? null : Buffer.from(part).toString('latin1'))
  const names = Array.from(headers, (header) => [header.name, text(header.value)])
  return { key: text(key), value: text(value), timestamp, partition, headers: names }
}

/** The promises of `produce` and `consume` on any log. */
export function recordCommandTests(place: CommandPlace): void {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-records-'))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))

  const run = (command: string, ...args: readonly string[]): Promise<CliResult> =>
    ask(command, ...args, ...place.args())

  function file(text: string | Buffer): string {
    const path = join(directory, 'input')
    writeFileSync(path, text)
    return path
  }

  async function created(partitions = 1): Promise<string> {
    const name = place.name('records')
    await place.withLog(async (log) => log.createTopics([{ name, partitions }]))
    return name
  }

  async function recordsOf(name: string): Promise<Bytes[]> {
    return await place.withLog(async (log) => {
      const records: Bytes[] = []
      for await (const record of readTopic(log, bytesTopic(name), { until: 'end' })) records.push(record)
      return records
    })
  }

  async function printed(name: string, ...args: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await run('consume', name, '-e', ...args)
    expect(stderr).not.toContain('error')
    expect(code).toBe(0)
    return stdout
  }

  test('a line is a record, and standard output has nothing but records', async () => {
    const name = await created()
    const { code, stdout, stderr } = await run('produce', name, file('one\ntwo\r\nthree'))
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toBe(`writing to ${name}\n3 records written to ${name}\n`)
    const read = await run('consume', name, '-e')
    expect(read).toEqual({
      code: 0,
      stdout: 'one\ntwo\nthree\n',
      stderr: `reading ${name} to its end\n3 records read from ${name}\n`,
    })
  })

  test("the lines of Kafka's console tools work as they are", async () => {
    const name = await created(2)
    const server = place.args()[0] === '--kafka' ? ['--bootstrap-server', place.args()[1]!] : place.args()
    const properties = ['parse.key=true', 'key.separator=:', 'null.marker=NULL', 'parse.headers=true']
    const input = file('trace:1,span:NULL\talice:100\nNULL\tbob:NULL\nNULL\tNULL:5\n')
    const args = properties.flatMap((property) => ['--property', property])
    const producing = await ask(
      'produce',
      '--topic',
      name,
      ...server,
      ...args,
      '--producer-property',
      'acks=all',
      input,
    )
    expect(producing.code).toBe(0)
    const records = (await recordsOf(name)).map(plain)
    expect(records).toHaveLength(3)
    expect(records).toContainEqual(
      expect.objectContaining({
        key: 'alice',
        headers: [
          ['trace', '1'],
          ['span', null],
        ],
      }),
    )
    expect(records).toContainEqual(expect.objectContaining({ key: 'bob', value: null, headers: [] }))
    expect(records).toContainEqual(expect.objectContaining({ key: null, value: '5' }))
    const columns = ['print.key', 'print.headers', 'print.partition', 'print.offset'].flatMap((each) => [
      '--formatter-property',
      `${each}=true`,
    ])
    const consuming = [
      '--topic',
      name,
      ...server,
      '--from-beginning',
      '--max-messages',
      '3',
      '--property',
      'null.literal=~',
    ]
    const { code, stdout } = await ask('consume', ...consuming, ...columns, '--isolation-level', 'read_committed')
    expect(code).toBe(0)
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => line.replace(/Partition:\d\tOffset:\d\t/, ''))
    expect(lines.toSorted()).toEqual(['NO_HEADERS\tbob\t~', 'NO_HEADERS\t~\t5', 'trace:1,span:~\talice\t100'])
  })

  test('what consume --json prints is what produce --json writes, byte by byte', async () => {
    const [from, to] = [await created(2), await created(2)]
    await place.withLog(async (log) => {
      await using writer = await TopicWriter.open(log, bytesTopic(from))
      const headers = new Headers()
        .add('a', 'x')
        .add('a', Buffer.from([0xff]))
        .add('b', null)
      const values = [
        'text',
        '{"n":12345678901234567890}',
        '{"n": 1}',
        '[1]',
        '"quoted"',
        'null',
        '',
        '{"base64":"AA=="}',
      ]
      for (const [index, value] of values.entries())
        writer.write(Buffer.from(`key ${index}`), Buffer.from(value), { timestamp: 1000 + index, headers })
      writer.write(Buffer.from([0x80, 0xff]), Buffer.from([0, 1, 254]), { timestamp: 2000 })
      writer.write(Buffer.from('gone'), null, { timestamp: 2001 })
      writer.write(null, Buffer.from('a\nb\t"\u0007é\u{1f600}'), { timestamp: 2002 })
    })
    const lines = await printed(from, '--json')
    expect(lines).toContain('"value":{"n":12345678901234567890}')
    expect(lines).toContain('"value":"{\\"n\\": 1}"')
    expect(lines).toContain('"headers":[["a","x"],["a",{"base64":"/w=="}],["b",null]]')
    expect((await run('produce', to, '--json', file(lines))).code).toBe(0)
    const before = (await recordsOf(from)).map(plain)
    expect(before).toHaveLength(11)
    expect((await recordsOf(to)).map(plain)).toEqual(before)
  })

  test('consume begins where it is asked to: at an offset, before the last records, at a time', async () => {
    const name = await created()
    const lines = Array.from({ length: 6 }, (_, n) => `{"value":"v${n}","timestamp":${n * 1000}}\n`)
    await run('produce', name, '--json', file(lines.join('')))
    expect(await printed(name, '--from-beginning', '-n', '2')).toBe('v0\nv1\n')
    expect(await printed(name, '--offset', 'beginning')).toBe('v0\nv1\nv2\nv3\nv4\nv5\n')
    expect(await printed(name, '--offset', '4')).toBe('v4\nv5\n')
    expect(await printed(name, '--offset', '-1')).toBe('v5\n')
    expect(await printed(name, '--offset', '@3000')).toBe('v3\nv4\nv5\n')
    expect(await printed(name, '--offset', '@1970-01-01T00:00:04.500Z')).toBe('v5\n')
    expect(await printed(name, '--offset', 'end')).toBe('')
    expect(await printed(name, '--offset', 'end', '--timeout', '10ms')).toBe('')
  })

  test('consume --partition reads these partitions, and produce --partition writes to it', async () => {
    const name = await created(3)
    for (const partition of ['0', '1', '2'])
      await run('produce', name, '--partition', partition, file(`in ${partition}\n`))
    expect(await printed(name, '--partition', '1', '--format', '%p %v\n')).toBe('1 in 1\n')
    expect((await printed(name, '--partition', '0,2')).split('\n').toSorted()).toEqual(['', 'in 0', 'in 2'])
  })

  test('--format has the letters of kcat', async () => {
    const name = await created()
    const options = [
      '--key-separator',
      ':',
      '--header',
      'a=1',
      '--header',
      'b=2',
      '--timestamp',
      '1970-01-01T00:00:01Z',
    ]
    await run('produce', name, ...options, '--null', '-', file('k:val\n-:-\n'))
    const format = String.raw`%t %p %o %T %k %v %s %K %S %h %%\x21\t|\n`
    const lines = [`${name} 0 0 1000 k val val 1 3 a=1,b=2 %!\t|\n`, `${name} 0 1 1000 ~ ~ ~ -1 -1 a=1,b=2 %!\t|\n`]
    expect(await printed(name, '--format', format, '--null', '~')).toBe(lines.join(''))
  })

  test('keys and values have the form that is asked for, and auto shows any bytes', async () => {
    const name = await created()
    await run('produce', name, '--key-separator', ':', '--key', 'long', '--value', 'hex', file('-5:00ff\n'))
    await run('produce', name, '--json', '--value', 'double', file('{"key":"k","value":1.5}\n'))
    expect((await recordsOf(name)).map(plain)).toMatchObject([
      { key: '\xff\xff\xff\xff\xff\xff\xff\xfb', value: '\0\xff' },
      { key: 'k', value: '?\xf8\0\0\0\0\0\0' },
    ])
    expect(await printed(name, '--print-key')).toBe('fffffffffffffffb\t00ff\nk\t3ff8000000000000\n')
    expect(await printed(name, '-n', '1', '--print-key', '--key', 'long', '--value', 'base64')).toBe('-5\tAP8=\n')
    expect(await printed(name, '--offset', '1', '--json', '--value', 'double')).toContain('"value":"1.5"')
  })

  test('--group goes on where the last consume ended', async () => {
    const name = await created()
    const group = place.name('group')
    await run('produce', name, file('one\ntwo\nthree\n'))
    expect(await printed(name, '--group', group, '-n', '2')).toBe('one\ntwo\n')
    expect(await printed(name, '--group', group)).toBe('three\n')
    expect(await printed(name, '--group', group)).toBe('')
  })

  describe('bad input is one line with a code and a hint', () => {
    const cases: readonly (readonly [string, readonly string[], string, number, RegExp])[] = [
      ['a time', ['consume', 'T', '--offset', '@yesterday'], 'MR_CLI_USAGE', 2, /2030-01-31T12:00:00Z/],
      ['an offset', ['consume', 'T', '--offset', 'first'], 'MR_CLI_USAGE', 2, /beginning/],
      ['an offset that there is not', ['consume', 'T', '--offset', '9', '-e'], 'MR_OFFSET_OUT_OF_RANGE', 1, /0 to 0/],
      ['a format', ['consume', 'T', '--format', '%q'], 'MR_CLI_USAGE', 2, /%q stands for nothing/],
      ['a partition', ['consume', 'T', '--partition', '7'], 'MR_PARTITION_UNKNOWN', 1, /partition 0 alone/],
      ['partitions', ['consume', 'T', '--partition', 'x'], 'MR_CLI_USAGE', 2, /0,2/],
      ['two places', ['consume', 'T', '--offset', '1', '--from-beginning'], 'MR_CLI_USAGE', 2, /--from-beginning/],
      ['dirty reads', ['consume', 'T', '--isolation-level', 'read_uncommitted'], 'MR_CLI_USAGE', 2, /committed/],
      ['a property', ['produce', 'T', '--property', 'ignore.error=true'], 'MR_CLI_USAGE', 2, /ignore.error/],
      ['no input', ['produce', 'T', '/nowhere/file'], 'MR_CLI_FILE', 1, /ENOENT/],
      ['a partition to write to', ['produce', 'T', '--partition', '7'], 'MR_PARTITION_UNKNOWN', 1, /partition 0 alone/],
      ['a header', ['produce', 'T', '--header', 'nothing'], 'MR_CLI_USAGE', 2, /NAME=VALUE/],
      ['a timestamp', ['produce', 'T', '--timestamp', 'noon'], 'MR_CLI_USAGE', 2, /2030-01-31T12:00:00Z/],
    ]
    test.each(cases)('%s', async (_what, [command = '', , ...args], code, exit, said) => {
      const result = await run(command, await created(), ...args)
      expect(result.stderr).toMatch(new RegExp(`^error ${code}: .*\n {2}hint: [A-Z]`, 'm'))
      expect(result.stderr).toMatch(said)
      expect(result.stderr).not.toMatch(/^\s+at /m)
      expect(result).toMatchObject({ code: exit, stdout: '' })
    })

    test('an unknown topic names the one that is near', async () => {
      const name = await created()
      for (const command of ['produce', 'consume']) {
        const { code, stderr } = await run(command, `${name}s`, ...(command === 'produce' ? [file('x')] : []))
        expect(stderr).toMatch(/^error MR_TOPIC_UNKNOWN: /m)
        expect(stderr).toContain(`Did you mean ${name}?`)
        expect(code).toBe(1)
      }
    })

    test.each([
      ['{"value":"a"}\n{"value":\n', 'line 2: it is not JSON'],
      ['{"value":"a"}\n[1]\n', 'line 2: it is no JSON object'],
      ['{"value":"a"}\n{"vlaue":"b"}\n', 'line 2: a record has no field "vlaue"'],
      ['{"value":"a"}\n{"value":"b","partition":9}\n', 'line 2: the topic has no partition 9'],
      ['{"value":"a"}\n{"value":"b","timestamp":"noon"}\n', 'line 2: the timestamp is no time'],
      ['{"value":"a"}\n{"value":"b","headers":[1]}\n', 'line 2: the headers are no list'],
    ])(
      'a line that is no record is named by its number, and what stands before it is written: %j',
      async (text, said) => {
        const name = await created()
        const { code, stderr } = await run('produce', name, '--json', file(text))
        expect(stderr).toContain(said)
        expect(stderr).toMatch(/^error MR_(CLI_LINE|PARTITION_UNKNOWN): .*\n {2}hint: [A-Z]/m)
        expect(stderr).toContain('1 record written')
        expect(code).toBe(1)
        expect(await printed(name)).toBe('a\n')
      },
    )

    test('a line without a separator, or of another form, is named as well', async () => {
      const name = await created()
      const keyed = await run('produce', name, '--key-separator', ':', file('a:1\nb\n'))
      expect(keyed.stderr).toContain('error MR_CLI_LINE: line 2: there is no ":" after the key')
      const long = await run('produce', name, '--value', 'long', file('1\n2.5\n'))
      expect(long.stderr).toContain('error MR_CLI_LINE: line 2: the value is no long')
      const json = await run('produce', name, '--value', 'json', file('{}\n{\n'))
      expect(json.stderr).toContain('error MR_CLI_LINE: line 2: the value is no json')
    })

    test('a record that is too large is named by its line; others are written', async () => {
      const name = place.name('small')
      const configs = { 'max.message.bytes': '1000' }
      await place.withLog(async (log) => log.createTopics([{ name, partitions: 1, configs }]))
      const { code, stderr } = await run('produce', name, file(`small\n${'x'.repeat(5000)}\n`))
      expect(stderr).toMatch(/^error MR_PRODUCE: line 2: .*max\.message\.bytes/m)
      expect(stderr).toContain('1 record written')
      expect(code).toBe(1)
      expect(await printed(name)).toBe('small\n')
    })

    test('a value of another form is named by its place, after what could be printed', async () => {
      const name = await created()
      await run('produce', name, file('12345678\nshort\n'))
      const { code, stdout, stderr } = await run('consume', name, '-e', '--value', 'long')
      expect(stderr).toMatch(/^error MR_DESERIALIZE: the value is no long: it has 5 bytes.*offset=1/m)
      expect({ code, stdout }).toEqual({ code: 1, stdout: '3544952156018063160\n' })
    })
  })
}
