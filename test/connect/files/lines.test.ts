import { appendFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { follow, lines, raw, readAll, temporaryDirectory, values } from './support.ts'

function written(content: string | Buffer, name = 'in.txt'): string {
  const path = join(temporaryDirectory(), name)
  writeFileSync(path, content)
  return path
}

describe('lines of a file', () => {
  test('are records: empty ones too, without carriage returns, with blanks', async () => {
    const path = written('foo\nbar\n\nwith spaces \ncrlf\r\nünïcode\n')
    const { values } = await readAll({ name: 'in', path, topic: lines })
    expect(values).toEqual(['foo', 'bar', '', 'with spaces ', 'crlf', 'ünïcode'])
  })

  test('are not read before they end, and once when they do', async () => {
    const path = written('one\ntwo, not')
    const reading = follow({ name: 'in', path, topic: lines })
    expect(await reading.take(1)).toEqual(['one'])
    appendFileSync(path, ' yet\nthree\n')
    expect(await reading.take(3)).toEqual(['one', 'two, not yet', 'three'])
  })

  test('may lack a line end where reading stops at the end', async () => {
    const path = written('one\ntwo')
    expect((await readAll({ name: 'in', path, topic: lines })).values).toEqual(['one', 'two'])
  })

  test('that lack a line end are read after flushPartial', async () => {
    const path = written('one\ntwo')
    const reading = follow({ name: 'in', path, topic: lines, flushPartial: '50ms', pollInterval: '20ms' })
    expect(await reading.take(2)).toEqual(['one', 'two'])
  })

  test('that are no UTF-8 are named by file, line and byte, and the others are read', async () => {
    const path = written(
      Buffer.concat([Buffer.from('one\n'), Buffer.from([0xff, 0xfe, 0x41, 0x0a]), Buffer.from('two\n')]),
    )
    const { values, bad } = await readAll({ name: 'in', path, topic: lines })
    expect(values).toEqual(['one', 'two'])
    expect(bad).toHaveLength(1)
    expect(bad[0]).toMatchObject({ place: `${path}, line 2, byte 4`, rawValue: Buffer.from([0xff, 0xfe, 0x41]) })
    expect(bad[0]?.error).toMatchObject({ code: 'MR_FILE_RECORD', hint: expect.stringContaining('latin1') })
  })

  test('are the same whatever their lengths, and wherever reading stops and goes on', async () => {
    const all = Array.from({ length: 4000 }, (_, index) => `${index} ${'x'.repeat((index * 7919) % 700)}`)
    all[1000] = 'y'.repeat(600_000)
    all[1001] = ''
    all[3000] = 'ü'.repeat(140_000)
    const path = written(`${all.join('\n')}\n`)
    const whole = await readAll({ name: 'in', path, topic: lines })
    expect(whole.values).toEqual(all)
    expect(whole.positions.length).toBeGreaterThan(3)
    for (const position of whole.positions) {
      const { values } = await readAll({ name: 'in', path, topic: lines }, position)
      expect(values).toEqual(all.slice(all.length - values.length))
      expect(position.files[0]?.line).toBe(all.length - values.length)
    }
  })

  test('that are longer than maxRecord are passed over, however long they are', async () => {
    const path = written(`one\n${'x'.repeat(2000)}\ntwo\n${'y'.repeat(3_000_000)}\nthree\n`)
    const { values, bad, positions } = await readAll({ name: 'in', path, topic: lines, maxRecord: 1000 })
    expect(values).toEqual(['one', 'two', 'three'])
    expect(bad.map(({ place }) => place)).toEqual([`${path}, line 2, byte 4`, `${path}, line 4, byte 2009`])
    expect(bad[0]?.error).toMatchObject({ code: 'MR_FILE_RECORD', hint: expect.stringContaining('maxRecord') })
    expect(positions.at(-1)?.files[0]).toMatchObject({ line: 5, byte: 3_002_016 })
  })

  test('may be in other encodings', async () => {
    const latin1 = written(Buffer.from('grün\nweiß\n', 'latin1'))
    expect((await readAll({ name: 'in', path: latin1, topic: lines, encoding: 'latin1' })).values).toEqual([
      'grün',
      'weiß',
    ])
    const japanese = written(Buffer.from([0x93, 0xfa, 0x96, 0x7b, 0x0a]))
    expect((await readAll({ name: 'in', path: japanese, topic: lines, encoding: 'shift_jis' })).values).toEqual([
      '日本',
    ])
    const wide = written(Buffer.from('\ufeffĀ\u0a00ਊ\r\nzwei\n', 'utf16le'))
    expect((await readAll({ name: 'in', path: wide, topic: lines, encoding: 'utf-16le' })).values).toEqual([
      'Ā\u0a00ਊ',
      'zwei',
    ])
    const marked = written('\ufeffone\ntwo\n')
    expect((await readAll({ name: 'in', path: marked, topic: lines })).values).toEqual(['one', 'two'])
  })

  test('of UTF-16 that are read as UTF-8 say what the file is', async () => {
    const path = written(Buffer.from('\ufeffeins\n', 'utf16le'))
    const { bad } = await readAll({ name: 'in', path, topic: lines })
    expect(bad[0]?.error).toMatchObject({ hint: expect.stringContaining('utf-16le') })
  })

  test('may be bytes', async () => {
    const path = written(Buffer.from([0xff, 0x00, 0x0a, 0x41, 0x0a]))
    const read = await readAll({ name: 'in', path, topic: raw, encoding: 'bytes' })
    expect(read.values).toEqual([Buffer.from([0xff, 0x00]), Buffer.from('A')])
  })

  test('may end with a text of their own', async () => {
    const path = written('a\nb\n---\nc\n---\nd\n')
    const read = await readAll({ name: 'in', path, topic: lines, format: { split: '\n---\n' } })
    expect(read.values).toEqual(['a\nb', 'c', 'd\n'])
  })

  test('get keys, times and values by functions, which know the line', async () => {
    const path = written('a 1\nb 2\n')
    const places: number[] = []
    const source = {
      name: 'in',
      path,
      topic: values,
      value: (line: string, { line: number }: { line: number }) => ({ line, number }),
      key: (_value: unknown, { line }: { line: number }) => String(places.push(line)),
    }
    expect((await readAll(source)).values).toEqual([
      { line: 'a 1', number: 1 },
      { line: 'b 2', number: 2 },
    ])
    expect(places).toEqual([1, 2])
  })
})

describe('lines of JSON', () => {
  test('are values, and blank lines are nothing', async () => {
    const path = written('{"a":1}\n\n  \n[2]\nnull\n')
    expect((await readAll({ name: 'in', path, topic: values, format: 'ndjson' })).values).toEqual([{ a: 1 }, [2], null])
  })

  test('that are no JSON are named, without what is in them', async () => {
    const path = written('{"a":1}\n{"secret":\n')
    const { bad } = await readAll({ name: 'in', path, topic: values, format: 'ndjson' })
    expect(bad[0]?.place).toBe(`${path}, line 2, byte 8`)
    expect(bad[0]?.error.message).toContain('no JSON')
    expect(JSON.stringify([bad[0]?.error, bad[0]?.error.message])).not.toContain('secret')
  })
})

describe('rows of CSV', () => {
  test('are objects by the names in the first row, with quotes, line ends and commas in cells', async () => {
    const path = written('\ufeffid,name\r\n1,"Ann ""A"" B"\r\n2,"two\nlines, with comma"\r\n\r\n3,\r\n')
    const { values: rows } = await readAll({ name: 'in', path, topic: values, format: 'csv' })
    expect(rows).toEqual([
      { id: '1', name: 'Ann "A" B' },
      { id: '2', name: 'two\nlines, with comma' },
      { id: '3', name: '' },
    ])
  })

  test('know their columns when reading goes on in the middle', async () => {
    const all = Array.from({ length: 20_000 }, (_, index) => ({ id: String(index), text: `"${index}",\n` }))
    const path = written(`id,text\n${all.map(({ id, text }) => `${id},"${text.replaceAll('"', '""')}"\n`).join('')}`)
    const whole = await readAll({ name: 'in', path, topic: values, format: 'csv' })
    expect(whole.values).toEqual(all)
    const rest = await readAll({ name: 'in', path, topic: values, format: 'csv' }, whole.positions[0])
    expect(rest.values).toEqual(all.slice(all.length - rest.values.length))
    expect(rest.values.length).toBeGreaterThan(1000)
  })

  test('may have columns without a first row, and another delimiter', async () => {
    const path = written('1;a\n2;b\n')
    const source = { name: 'in', path, topic: values, format: 'csv', columns: ['id', 'x'], delimiter: ';' } as const
    expect((await readAll(source)).values).toEqual([
      { id: '1', x: 'a' },
      { id: '2', x: 'b' },
    ])
  })

  test('with too many cells, or quotes without an end, are named by their line, and the next are read', async () => {
    const path = written(`id,name\n1,a\n2,b,c\n3,"x\n4,d\n5,e\n${'6,f\n'.repeat(500)}`)
    const read = await readAll({ name: 'in', path, topic: values, format: 'csv', maxRecord: 1000 })
    expect(read.bad.map(({ place }) => place)).toEqual([`${path}, line 3, byte 12`, `${path}, line 4, byte 18`])
    expect(read.values.slice(0, 3)).toEqual([
      { id: '1', name: 'a' },
      { id: '4', name: 'd' },
      { id: '5', name: 'e' },
    ])
    expect(read.values).toHaveLength(503)
  })
})
