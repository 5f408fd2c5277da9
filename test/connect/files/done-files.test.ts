import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { SourceSpec } from '../../../src/connect/definition/source.ts'
import { fileSource } from '../../../src/connect/files/file-source.ts'
import { follow, lines, readAll, temporaryDirectory } from './support.ts'

const FAST = { pollInterval: '20ms', doneAfter: '50ms' } as const

test('a file that was read is deleted once all of it is committed, and not before', async () => {
  const path = join(temporaryDirectory(), 'in.txt')
  writeFileSync(path, 'one\ntwo')
  const config = { name: 'in', path, topic: lines, done: 'delete', ...FAST } as const
  const reading = follow(config)
  await reading.take(2)
  while (reading.position.files[0]?.isDone !== true) await reading.next()
  expect(reading.read.values).toEqual(['one', 'two'])
  expect(existsSync(path)).toBe(true)
  const { committed } = fileSource(config) as SourceSpec
  await committed?.({ partition: 'all', position: reading.position } as never)
  expect(existsSync(path)).toBe(false)
})

test('a file that changed after it was read is not deleted, and read on', async () => {
  const path = join(temporaryDirectory(), 'in.txt')
  writeFileSync(path, 'one\n')
  const config = { name: 'in', path, topic: lines, done: 'delete', ...FAST } as const
  const { positions } = await readAll(config)
  const done = positions.at(-1)!
  expect(done.files[0]?.isDone).toBe(true)
  appendFileSync(path, 'two\n')
  await (fileSource(config) as SourceSpec).committed?.({ partition: 'all', position: done } as never)
  expect((await readAll(config, done)).values).toEqual(['two'])
})

test('a file is moved, without taking the place of another one, also by the next process', async () => {
  const directory = temporaryDirectory()
  const path = join(directory, 'in.txt')
  const config = {
    name: 'in',
    path: join(directory, '*.txt'),
    topic: lines,
    done: { move: join(directory, 'read') },
    ...FAST,
  }
  writeFileSync(path, 'one\n')
  let position = (await readAll(config)).positions.at(-1)
  // The first process ended before it moved the file.
  position = (await readAll(config, position)).positions.at(-1) ?? position
  expect(readFileSync(join(directory, 'read/in.txt'), 'utf8')).toBe('one\n')
  writeFileSync(path, 'two\n')
  const second = await readAll(config, position)
  expect(second.values).toEqual(['two'])
  await (fileSource(config) as SourceSpec).committed?.({ partition: 'all', position: second.positions.at(-1) } as never)
  expect(readFileSync(join(directory, 'read/in.txt.1'), 'utf8')).toBe('two\n')
  expect(existsSync(path)).toBe(false)
})
