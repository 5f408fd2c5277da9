import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { follow, lines, readAll, temporaryDirectory } from './support.ts'

const POLL = { pollInterval: '20ms' } as const

function log(pattern = 'app.log') {
  const directory = temporaryDirectory()
  const at = (name: string) => join(directory, name)
  return { at, path: at('app.log'), source: { name: 'log', path: at(pattern), topic: lines, ...POLL } }
}

describe('a log that is renamed', () => {
  test('is read to its end, and the new one from its beginning, whether the pattern fits both or not', async () => {
    for (const pattern of ['app.log', 'app.log*']) {
      const { at, path, source } = log(pattern)
      writeFileSync(path, 'one\n')
      const reading = follow(source)
      await reading.take(1)
      appendFileSync(path, 'two\n')
      renameSync(path, at('app.log.1'))
      writeFileSync(path, 'three\n')
      // The writer has the old file open for some time.
      appendFileSync(at('app.log.1'), 'four\n')
      expect((await reading.take(4)).toSorted()).toEqual(['four', 'one', 'three', 'two'])
      appendFileSync(at('app.log.1'), 'five\n')
      expect((await reading.take(5)).at(-1)).toBe('five')
      await reading.stop()
    }
  })

  test('while nothing runs goes on where it was left', async () => {
    for (const pattern of ['app.log', 'app.log*']) {
      const { at, path, source } = log(pattern)
      writeFileSync(path, 'one\n')
      const { positions } = await readAll(source)
      appendFileSync(path, 'two\n')
      renameSync(path, at('app.log.1'))
      writeFileSync(path, 'three\n')
      const { values, warnings } = await readAll(source, positions.at(-1))
      expect(values).toEqual(['two', 'three'])
      expect(warnings).toEqual([])
    }
  })

  test('and packed while nothing runs goes on where it was left, in the packed file', async () => {
    const { at, path, source } = log('app.log*')
    writeFileSync(path, 'one\n')
    const { positions } = await readAll(source)
    appendFileSync(path, 'two\n')
    writeFileSync(at('app.log.1.gz'), gzipSync(readFileSync(path)))
    unlinkSync(path)
    writeFileSync(path, 'three\n')
    const { values } = await readAll(source, positions.at(-1))
    expect(values.toSorted()).toEqual(['three', 'two'])
  })

  test('and packed while it is read is not read twice', async () => {
    const { at, path, source } = log('app.log*')
    writeFileSync(path, 'one\ntwo\n')
    const reading = follow(source)
    await reading.take(2)
    renameSync(path, at('app.log.1'))
    writeFileSync(path, 'three\n')
    await reading.take(3)
    writeFileSync(at('app.log.1.gz'), gzipSync(readFileSync(at('app.log.1'))))
    appendFileSync(path, 'four\n')
    await reading.take(4)
    unlinkSync(at('app.log.1'))
    appendFileSync(path, 'five\n')
    await reading.take(5)
    appendFileSync(path, 'six\n')
    expect(await reading.take(6)).toEqual(['one', 'two', 'three', 'four', 'five', 'six'])
  })

  test('and deleted at once is read to its end, as long as it is open', async () => {
    const { path, source } = log()
    writeFileSync(path, 'one\n')
    const reading = follow(source)
    await reading.take(1)
    appendFileSync(path, 'two\n')
    unlinkSync(path)
    writeFileSync(path, 'three\n')
    expect((await reading.take(3)).toSorted()).toEqual(['one', 'three', 'two'])
  })
})

describe('a log that is truncated', () => {
  test('is read from its beginning, and what was cut off is counted', async () => {
    const { path, source } = log()
    writeFileSync(path, 'one\ntwo\nnot yet a line')
    const reading = follow(source)
    await reading.take(2)
    truncateSync(path)
    writeFileSync(path, 'three\n')
    expect(await reading.take(3)).toEqual(['one', 'two', 'three'])
    // A look later no copy has it.
    for (let count = 4; reading.position.lost === 0; count++) {
      appendFileSync(path, 'more\n')
      await reading.take(count)
    }
    expect(reading.position).toMatchObject({ lost: 14, files: [{ generation: 1 }] })
    expect(reading.read.warnings).toEqual([{ connector: 'log', path, bytes: 14 }])
  })

  test('and longer again at the next look is known by what stands there', async () => {
    const { path, source } = log()
    writeFileSync(path, 'one\n')
    const { positions } = await readAll(source)
    writeFileSync(path, 'three\nfour\n')
    const { values, warnings, positions: after } = await readAll(source, positions.at(-1))
    expect(values).toEqual(['three', 'four'])
    expect(warnings).toEqual([])
    expect(after.at(-1)).toMatchObject({ lost: 0, files: [{ generation: 1 }] })
  })

  test('after it was copied, as logrotate does, is read on, and so is the copy if the pattern fits it', async () => {
    for (const pattern of ['app.log', 'app.log*']) {
      const { at, path, source } = log(pattern)
      writeFileSync(path, 'one\n')
      const { positions } = await readAll(source)
      if (pattern !== 'app.log') appendFileSync(path, 'two\n')
      copyFileSync(path, at('app.log.1'))
      truncateSync(path)
      appendFileSync(path, 'new\n')
      const { values, positions: after } = await readAll(source, positions.at(-1))
      expect(values.toSorted()).toEqual(pattern === 'app.log' ? ['new'] : ['new', 'two'])
      expect(after.at(-1)?.lost).toBe(0)
    }
  })

  test('after it was copied while it is read loses and doubles nothing, if the pattern fits the copy', async () => {
    const { at, path, source } = log('app.log*')
    writeFileSync(path, 'one\n')
    const reading = follow(source)
    await reading.take(1)
    copyFileSync(path, at('app.log.1'))
    appendFileSync(path, 'two\n')
    await reading.take(2)
    copyFileSync(path, at('app.log.1'))
    truncateSync(path)
    appendFileSync(path, 'three\n')
    await reading.take(3)
    appendFileSync(path, 'four\n')
    expect(await reading.take(4)).toEqual(['one', 'two', 'three', 'four'])
    expect(reading.position.lost).toBe(0)
  })

  test('while nothing runs counts what was not read', async () => {
    const { path, source } = log()
    writeFileSync(path, 'one\n'.repeat(100_000))
    const { positions } = await readAll(source)
    writeFileSync(path, 'two\n')
    const { values, positions: after } = await readAll(source, positions[0])
    expect(values).toEqual(['two'])
    expect(after.at(-1)?.lost).toBe(400_000 - Number(positions[0]?.files[0]?.byte))
  })
})

describe('several files', () => {
  test('are read in the order of their last changes, and new ones are found', async () => {
    const directory = temporaryDirectory()
    for (const [index, name] of ['b.log', 'a.log', 'c.txt'].entries()) {
      writeFileSync(join(directory, name), `${name}\n`)
      await changedAt(join(directory, name), index)
    }
    const reading = follow({ name: 'in', path: join(directory, '*.log'), topic: lines, ...POLL })
    expect(await reading.take(2)).toEqual(['b.log', 'a.log'])
    writeFileSync(join(directory, '0.log'), 'new\n')
    expect(await reading.take(3)).toEqual(['b.log', 'a.log', 'new'])
  })

  test('in directories below are found', async () => {
    const directory = temporaryDirectory()
    mkdirSync(join(directory, 'x/y'), { recursive: true })
    writeFileSync(join(directory, 'x/y/deep.log'), 'deep\n')
    const { values } = await readAll({ name: 'in', path: join(directory, '**/*.log'), topic: lines })
    expect(values).toEqual(['deep'])
  })

  test('may begin alike, and have signs of patterns in their names', async () => {
    const directory = temporaryDirectory()
    writeFileSync(join(directory, 'a[1].log'), 'same\n')
    writeFileSync(join(directory, 'b.log'), 'same\n')
    expect((await readAll({ name: 'in', path: join(directory, '*.log'), topic: lines })).values).toEqual([
      'same',
      'same',
    ])
    expect((await readAll({ name: 'in', path: join(directory, 'a[1].log'), topic: lines })).values).toEqual(['same'])
  })
})

describe('a packed file', () => {
  test('is unpacked, member after member, and read on where reading stopped', async () => {
    const path = join(temporaryDirectory(), 'a.log.gz')
    const all = Array.from({ length: 60_000 }, (_, index) => `line ${index}`)
    const text = (from: number, to: number) => gzipSync(`${all.slice(from, to).join('\n')}\n`)
    writeFileSync(path, Buffer.concat([text(0, 40_000), text(40_000, 60_000)]))
    const whole = await readAll({ name: 'in', path, topic: lines })
    expect(whole.values).toEqual(all)
    const { values } = await readAll({ name: 'in', path, topic: lines }, whole.positions[1])
    expect(values).toEqual(all.slice(all.length - values.length))
    expect(values.length).toBeGreaterThan(1000)
  })

  test('that is being written is read as far as it goes, and then on', async () => {
    const path = join(temporaryDirectory(), 'a.log.gz')
    const all = Array.from({ length: 50_000 }, (_, index) => `line ${index} ${(index * 7919) % 10_007}`)
    const packed = gzipSync(`${all.join('\n')}\n`)
    writeFileSync(path, packed.subarray(0, packed.length / 2))
    const reading = follow({ name: 'in', path, topic: lines, ...POLL })
    await reading.take(1000)
    appendFileSync(path, packed.subarray(packed.length / 2))
    expect(await reading.take(all.length)).toEqual(all)
  })

  test('that is damaged is named', async () => {
    const path = join(temporaryDirectory(), 'a.log.gz')
    writeFileSync(path, 'no gzip\n')
    await expect(readAll({ name: 'in', path, topic: lines })).rejects.toMatchObject({ code: 'MR_FILE_DAMAGED' })
  })
})

async function changedAt(path: string, seconds: number): Promise<void> {
  await utimes(path, 1_700_000_000 + seconds, 1_700_000_000 + seconds)
}
