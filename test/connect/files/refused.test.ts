import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fileSink } from '../../../src/connect/files/file-sink.ts'
import { fileSource } from '../../../src/connect/files/file-source.ts'
import { KnownFiles } from '../../../src/connect/files/reading/known-files.ts'
import { FilePattern } from '../../../src/connect/files/reading/file-pattern.ts'
import { follow, lines, readAll, temporaryDirectory, values } from './support.ts'

describe('a source is refused at its start', () => {
  test('if its file does not exist, unless it was read before or is waited for', async () => {
    const path = join(temporaryDirectory(), 'in.txt')
    await expect(readAll({ name: 'in', path, topic: lines })).rejects.toMatchObject({
      code: 'MR_FILE_MISSING',
      message: expect.stringContaining(path),
      hint: expect.stringContaining('Create it'),
    })
    const reading = follow({ name: 'in', path, topic: lines, missing: 'wait', pollInterval: '20ms' })
    const first = reading.take(1)
    writeFileSync(path, 'one\n')
    expect(await first).toEqual(['one'])
  })

  test('if the directory of its pattern does not exist', async () => {
    const directory = join(temporaryDirectory(), 'none')
    const read = readAll({ name: 'in', path: join(directory, '*.log'), topic: lines })
    await expect(read).rejects.toMatchObject({ code: 'MR_FILE_MISSING', message: expect.stringContaining(directory) })
  })

  test('if its file is a directory, with the pattern for what is in it', async () => {
    const path = temporaryDirectory()
    await expect(readAll({ name: 'in', path, topic: lines })).rejects.toMatchObject({
      code: 'MR_FILE_KIND',
      hint: expect.stringContaining(`${path}/*.log`),
    })
  })

  test('if it fits more files than a position can hold', async () => {
    const files = Array.from({ length: 2600 }, (_, index) => ({
      path: `in/${index}.log`,
      id: `1:${index}`,
      byte: 0,
      line: 0,
      tail: { length: 0, checksum: 0 },
      size: 0,
      generation: 0,
    }))
    const pattern = await FilePattern.of(join(temporaryDirectory(), '*.log'))
    const known = new KnownFiles(pattern, { files, lost: 0 }, () => {})
    await expect(known.look()).rejects.toMatchObject({
      code: 'MR_FILE_MANY',
      hint: expect.stringContaining("done: 'delete'"),
    })
  })
})

describe.runIf(process.getuid?.() === 0)('a user without rights', () => {
  test('is named where a file may not be read or written', () => {
    const directory = temporaryDirectory()
    chmodSync(directory, 0o755)
    const path = join(directory, 'secret.log')
    writeFileSync(path, 'one\n', { mode: 0o600 })
    mkdirSync(join(directory, 'out'), { mode: 0o755 })
    const program = join(import.meta.dirname, 'without-rights.ts')
    const { stdout, stderr } = spawnSync(
      process.execPath,
      ['--conditions=millrace-source', program, path, join(directory, 'out/lines.txt')],
      { encoding: 'utf8' },
    )
    expect(stderr).toBe('')
    const [reading, writing] = stdout.trim().split('\n')
    expect(reading).toBe(`MR_FILE_PERMISSION ${path} may not be read by uid 65534`)
    expect(writing).toContain('MR_FILE_PERMISSION')
    expect(writing).toContain('by uid 65534')
  })
})

describe('options that cannot be are refused', () => {
  const source = (options: object) => () =>
    fileSource({ name: 'in', path: 'in.txt', topic: lines, ...options } as never)

  test.each([
    [{ format: 'xml' }, 'the option format of fileSource() is "xml"', /'lines', 'ndjson', 'csv' or \{ split: text \}/],
    [{ format: { split: '' } }, 'the option format', /split/],
    [{ encoding: 'utf-7' }, 'the option encoding of fileSource() is "utf-7"', /'shift_jis'/],
    [{ format: 'csv', encoding: 'utf-16le' }, 'the option encoding', /iconv/],
    [{ format: 'csv', columns: ['a', 'a'] }, 'the option columns', /name of its own/],
    [{ format: 'csv', delimiter: '||' }, 'the option delimiter', /one character/],
    [{ done: 'remove' }, 'the option done', /'delete'/],
    [{ missing: 'ignore' }, 'the option missing', /'wait'/],
    [{ pathh: 'in.txt' }, 'fileSource() has no option "pathh"', /Did you mean path\?/],
    [{ maxRecord: 0 }, 'the option maxRecord', /at least 1/],
  ])('%j', (options, message, hint) => {
    expect(source(options)).toThrow(
      expect.objectContaining({
        code: 'MR_CONFIG',
        message: expect.stringContaining(message),
        hint: expect.stringMatching(hint),
      }),
    )
  })

  test('of sinks, too', () => {
    expect(() => fileSink({ name: 'out', path: 'out.txt', topics: [lines], format: 'xml' } as never)).toThrow(
      expect.objectContaining({ code: 'MR_CONFIG', hint: expect.stringContaining("'ndjson'") }),
    )
  })
})

test('cells of CSV are those that csv-parse finds, whatever is in them', async () => {
  const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r\n', ' ', 'ü', ';'), maxLength: 6 })
  const table = fc.array(fc.tuple(cell, cell, cell), { minLength: 1, maxLength: 8 })
  const directory = temporaryDirectory()
  const path = join(directory, 'in.csv')
  const columns = ['a', 'b', 'c']
  await fc.assert(
    fc.asyncProperty(table, async (rows) => {
      const quoted = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
      const given = rows.map((row) => ['x', ...row].map(quoted).join(',')).join('\r\n')
      writeFileSync(path, `${given}\r\n`)
      const read = await readAll({ name: 'in', path, topic: values, format: 'csv', columns: ['x', ...columns] })
      expect(read.values).toEqual(parse(given, { columns: ['x', ...columns] }))
    }),
    { numRuns: 200 },
  )
})
