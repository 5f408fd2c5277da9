import { describe, expect, test } from 'vitest'
import { faultsOf, faultsOfFile, writtenFiles } from './words.ts'

const HERE = 'test/architecture/words'
const files = writtenFiles().filter((file) => !file.startsWith(HERE))

test('words are plain, and lines at most 120 columns wide', () => {
  const faults = files.flatMap(faultsOfFile)
  expect(faults.map(({ file, line, fault, found }) => `${file}:${line} ${fault}: ${found}`)).toEqual([])
})

describe('the patterns catch', () => {
  test.each([
    ['begin with the noun or verb', '/** Of a sweep. */'],
    ['begin with the noun or verb', '// Who waits for it may go on.'],
    ['begin with the noun or verb', '// Whoever waits\n// may go on.'],
    ['begin with the noun or verb', '/** Whose state it is. */'],
    ['begin with the noun or verb', '/**\n * A batch that is closed. Of one that is open\n * nothing is known.\n */'],
    ['begin with the noun or verb', '/** @returns Of each row: its length. */'],
    ['begin with the noun or verb', "const about = { description: 'Of internal topics' }"],
    ['name the one who', '/** A commit by who left. */'],
    ['"notified", "given" or "is called" instead of "told"', '/** Told of losses. */'],
    ['"notified", "given" or "is called" instead of "told"', "const text = 'who is told'"],
    ['"again" instead of "anew"', '// Built\n// anew.'],
    ['"again" instead of "anew"', 'const text = `${name} begins anew`'],
    ['"returns" instead of "answers"', '/** Runs the command; answers the exit code. */'],
    ['"returns" instead of "answers"', '/** Sends everything and answers when it is written. */'],
    ['"returns" instead of "answers"', '/** A selector that answers null drops the row. */'],
    ['"before" instead of "in front of"', '/** A batch in front of those of later generations. */'],
    ['a hint begins with a capital letter', "fail({ hint: 'open it again.' })"],
    ['a hint begins with a capital letter', 'fail({ hint: ok ? `Give it.` : `give ${name}.` })'],
    ['a hint begins with a capital letter', "throw place.refuse(value, 'give a function.')"],
    ['a hint begins with a capital letter', "const NO_ROOM_HINT = 'make room.'"],
    ['a hint begins with a capital letter', "function fail(hint: string) {}\nfail('make room.')"],
    ['a hint ends with a period', "fail({ hint: 'Open it again' })"],
    ['at most 120 columns, not 121', `const text = '${'x'.repeat(106)}'`],
  ])('%s: %s', (fault, text) => {
    expect(faultsOf('src/a.ts', text).map((found) => found.fault)).toEqual([fault])
  })

  test.each([
    ['begin with the noun or verb', 'Text.\n\nOf Kafka only this\nis known.'],
    ['begin with the noun or verb', '- Whoever reads it.'],
    ['"again" instead of "anew"', '| a | starts anew |'],
    ['at most 120 columns, not 121', 'x'.repeat(121)],
  ])('%s, in Markdown: %s', (fault, text) => {
    expect(faultsOf('docs/a.md', text).map((found) => found.fault)).toEqual([fault])
  })

  test('the line', () => {
    expect(faultsOf('src/a.ts', 'const a = 1\n\n// Built anew.').map(({ line }) => line)).toEqual([3])
  })
})

describe('the patterns let pass', () => {
  test.each([
    ['/** Rows that cannot be told apart. */'],
    ['/** Answers of Kafka Streams, where the broker answers in time. */'],
    ['// Who owns the partition? The member that joined last.'],
    ['const told = 1'],
    ["fail({ hint: 'Open it again.' })"],
    ['fail({ hint: `${engine} is right: ${why}` })'],
    ["logger.error(value, 'a line of the log')"],
  ])('%s', (text) => {
    expect(faultsOf('src/a.ts', text)).toEqual([])
  })

  test.each([
    ['Who decides? The handler.'],
    [`| ${'x'.repeat(121)} |`],
    [`[link](https://example.com/${'x'.repeat(121)})`],
    [`\`\`\`text\n${'x'.repeat(121)}\n\`\`\``],
  ])('in Markdown: %s', (text) => {
    expect(faultsOf('docs/a.md', text)).toEqual([])
  })
})
