import { execFileSync } from 'node:child_process'
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
import { gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { Headers } from '../../../src/index.ts'
import type { OpenSink, SinkRecord, SinkSpec } from '../../../src/connect/definition/sink.ts'
import { crc32c } from '../../../src/platform/checksum.ts'
import { fileSink, type FileSinkConfig } from '../../../src/connect/files/file-sink.ts'
import { lines, temporaryDirectory } from './support.ts'
import { canMount } from '../../setup/can-mount.ts'

const PARTITIONS = [0, 1].map((partition) => ({ topic: 'lines', partition }))

type Sink = OpenSink<unknown, unknown>

async function opened<K, V>(
  config: Omit<FileSinkConfig<K, V>, 'name' | 'topics'> & { readonly name?: string },
): Promise<Sink> {
  const sink = fileSink({ name: 'out', topics: [lines], ...config } as never) as SinkSpec
  const open = await sink.open({ partitions: PARTITIONS, signal: new AbortController().signal } as never)
  onTestFinished(() => open.close?.())
  return open
}

function records(texts: readonly unknown[], partition = 0, first = 0): SinkRecord<unknown, unknown>[] {
  return texts.map((value, index) => ({
    topic: 'lines',
    partition,
    offset: first + index,
    timestamp: 0,
    key: null,
    value,
    headers: new Headers(),
  })) as never
}

/** Writes as the runtime does. Returns the errors of refused records. */
async function write(sink: Sink, texts: readonly unknown[], partition = 0, first = 0): Promise<Error[]> {
  const refused: Error[] = []
  await sink.write({
    records: records(texts, partition, first),
    offsets: [{ topic: 'lines', partition, offset: first + texts.length }],
    signal: new AbortController().signal,
    refuse: async (_record, error) => void refused.push(error),
  })
  return refused
}

describe('a file that records are written to', () => {
  test('has a line for each, and goes on behind them after a restart', async () => {
    const path = join(temporaryDirectory(), 'out/lines.txt')
    const first = await opened({ path })
    expect(first.offsets).toEqual([])
    await write(first, ['one', Buffer.from('two')])
    await write(first, ['zwölf'], 1, 5)
    await first.close?.()
    const second = await opened({ path })
    expect(second.offsets).toEqual([
      { topic: 'lines', partition: 0, offset: 2 },
      { topic: 'lines', partition: 1, offset: 6 },
    ])
    await write(second, ['three'], 0, 2)
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\nzwölf\nthree\n')
  })

  test('holds each batch whole or not at all, wherever the last process ended', async () => {
    const path = join(temporaryDirectory(), 'lines.txt')
    const first = await opened({ path })
    await write(first, ['one'])
    await write(first, ['two', 'three'], 0, 1)
    await first.close?.()
    const state = readFileSync(latestState(path), 'utf8')
    // The state as it is before and during a batch: as if the process had ended while it wrote.
    const open = JSON.parse(state) as { to: { length: number; checksum: number } }
    const text = readFileSync(path, 'utf8')
    for (let length = 4; length <= text.length; length++) {
      writeFileSync(path, text.slice(0, length))
      const during = {
        connector: 'out',
        writer: null,
        from: { length: 4, offsets: [{ topic: 'lines', partition: 0, offset: 1 }] },
        to: {
          ...open.to,
          checksum: checksumOf('two\nthree\n'),
          offsets: [{ topic: 'lines', partition: 0, offset: 3 }],
        },
      }
      writeFileSync(latestState(path), JSON.stringify(during))
      const again = await opened({ path })
      const isWhole = length === text.length
      expect(again.offsets).toEqual([{ topic: 'lines', partition: 0, offset: isWhole ? 3 : 1 }])
      expect(readFileSync(path, 'utf8')).toBe(isWhole ? text : 'one\n')
      await again.close?.()
    }
  })

  test('is taken from a process that may still run: what that one writes is seen by nobody', async () => {
    const path = join(temporaryDirectory(), 'lines.txt')
    const first = await opened({ path })
    await write(first, ['one'])
    const second = await opened({ path })
    expect(second.offsets).toEqual([{ topic: 'lines', partition: 0, offset: 1 }])
    await expect(write(first, ['two'], 0, 1)).rejects.toMatchObject({ code: 'MR_SINK_TAKEN' })
    await write(second, ['two'], 0, 1)
    await first.close?.()
    await second.close?.()
    expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n')
    const third = await opened({ path })
    expect(third.offsets).toEqual([{ topic: 'lines', partition: 0, offset: 2 }])
  })

  test('is left alone if somebody else has written it, or to it', async () => {
    const directory = temporaryDirectory()
    const path = join(directory, 'lines.txt')
    const foreign = expect.objectContaining({
      code: 'MR_SINK_FOREIGN',
      hint: expect.stringContaining('Nothing was changed'),
    })
    writeFileSync(path, 'mine\n')
    await expect(opened({ path })).rejects.toEqual(foreign)
    expect(readdirSync(directory)).toEqual(['lines.txt'])

    truncateSync(path)
    const sink = await opened({ path })
    await write(sink, ['one'])
    await sink.close?.()
    await expect(opened({ path, name: 'other' })).rejects.toEqual(foreign)
    appendFileSync(path, 'by hand\n')
    await expect(opened({ path })).rejects.toEqual(foreign)
    expect(readFileSync(path, 'utf8')).toBe('one\nby hand\n')
    truncateSync(path, 2)
    await expect(opened({ path })).rejects.toEqual(foreign)
    expect(readFileSync(path, 'utf8')).toBe('on')
  })

  test('is one of a partition if there is to be one for each', async () => {
    const directory = temporaryDirectory()
    const sink = await opened({ path: join(directory, 'lines.txt'), perPartition: true })
    await write(sink, ['one'], 0)
    await write(sink, ['two'], 1)
    expect(readFileSync(join(directory, 'lines-lines-0.txt'), 'utf8')).toBe('one\n')
    expect(readFileSync(join(directory, 'lines-lines-1.txt'), 'utf8')).toBe('two\n')
    expect(existsSync(join(directory, 'lines.txt'))).toBe(false)
  })

  test('is packed if its name says so', async () => {
    const path = join(temporaryDirectory(), 'lines.txt.gz')
    const sink = await opened({ path })
    await write(sink, ['one'])
    await write(sink, ['two'], 0, 1)
    expect(gunzipSync(readFileSync(path)).toString()).toBe('one\ntwo\n')
  })

  test('may hold JSON, or what a function makes', async () => {
    const directory = temporaryDirectory()
    const json = await opened({ path: join(directory, 'a.ndjson'), format: 'ndjson' })
    await write(json, [{ a: 1 }, null, 'two\nlines'])
    expect(readFileSync(join(directory, 'a.ndjson'), 'utf8')).toBe('{"a":1}\nnull\n"two\\nlines"\n')
    const csv = await opened({
      path: join(directory, 'a.csv'),
      format: ({ offset, value }) => `${offset};${String(value)}\r\n`,
    })
    await write(csv, ['x', 'y'])
    expect(readFileSync(join(directory, 'a.csv'), 'utf8')).toBe('0;x\r\n1;y\r\n')
  })

  test('has no values that are no line: they are refused, and the others written', async () => {
    const path = join(temporaryDirectory(), 'lines.txt')
    const sink = await opened({ path })
    const refused = await write(sink, ['one', 'two\nlines', null, { a: 1 }, 'three'])
    expect(readFileSync(path, 'utf8')).toBe('one\nthree\n')
    expect(refused.map((error) => [(error as { code?: string }).code, error.message])).toEqual([
      ['MR_FILE_RECORD', expect.stringContaining('line end in it (topic=lines, partition=0, offset=1)')],
      ['MR_FILE_RECORD', expect.stringContaining('tombstone')],
      ['MR_FILE_RECORD', expect.stringContaining('type object')],
    ])
  })

  test('cannot be a directory', async () => {
    const path = join(temporaryDirectory(), 'lines.txt')
    mkdirSync(path)
    await expect(opened({ path })).rejects.toMatchObject({ code: 'MR_FILE_KIND' })
  })

  describe.runIf(process.env['CI'] === 'true' || canMount())('on a disk that is full', () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-full-'))
    beforeAll(() => void execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', directory]))
    afterAll(() => {
      execFileSync('umount', [directory])
      rmSync(directory, { recursive: true })
    })

    test('loses and doubles nothing: it goes on when there is room', async () => {
      const path = join(directory, 'lines.txt')
      const ballast = join(directory, 'ballast')
      writeFileSync(ballast, Buffer.alloc(128 * 1024))
      const sink = await opened({ path })
      await write(sink, ['one'])
      const much = Array.from({ length: 2000 }, (_, index) => `${index} ${'x'.repeat(70)}`)
      const full = write(sink, much, 0, 1)
      await expect(full).rejects.toMatchObject({ code: 'MR_FILE_SPACE', hint: expect.stringContaining('Make room') })
      await sink.close?.()
      rmSync(ballast)
      const again = await opened({ path })
      expect(again.offsets).toEqual([{ topic: 'lines', partition: 0, offset: 1 }])
      await write(again, much, 0, 1)
      expect(readFileSync(path, 'utf8')).toBe(`one\n${much.join('\n')}\n`)
    })
  })
})

function latestState(path: string): string {
  const directory = join(path, '..')
  const names = readdirSync(directory).filter((name) => name.startsWith('lines.txt.millrace.'))
  return join(directory, names.toSorted((a, b) => Number(b.split('.').at(-1)) - Number(a.split('.').at(-1)))[0]!)
}

function checksumOf(text: string): number {
  return crc32c(Buffer.from(text))
}
