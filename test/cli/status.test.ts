import { expect, test } from 'vitest'
import { closingLine, StatusLine } from '../../src/cli/status.ts'
import { formatError } from '../../src/cli/cli-error.ts'
import { MillraceError } from '../../src/errors/millrace-error.ts'

const status = { state: 'running', tasks: 4, processed: 10_000, lag: 1234, streamTime: Date.UTC(2026, 0, 1) }

test('the rate is of the time since the last line, not since the start', () => {
  const line = new StatusLine(0)
  expect(line.text(status, 1000)).toBe(
    'running | 4 tasks | 10,000 records/s | lag 1,234 | stream time 2026-01-01T00:00:00.000Z',
  )
  expect(line.text({ ...status, processed: 10_500, tasks: 1 }, 3000)).toContain('| 1 task | 250 records/s |')
})

test('before the first record there is no stream time', () => {
  expect(closingLine({ ...status, processed: 0, streamTime: -1, lag: undefined }, 1500, 2)).toBe(
    'done: 0 records in 1.5 s, 2 commits, lag ?, stream time -',
  )
})

test('an error tells its code, its place, what is behind it and what to do', () => {
  const error = new MillraceError('MR_DESERIALIZE', 'the record could not be read', {
    topic: 'payments',
    partition: 3,
    offset: 17,
    hint: 'look at the producer',
    cause: new SyntaxError('Unexpected token'),
  })
  expect(formatError(error, 'text')).toBe(
    [
      'error MR_DESERIALIZE: the record could not be read (topic=payments, partition=3, offset=17)',
      '  because: Unexpected token',
      '  hint: look at the producer',
    ].join('\n'),
  )
  expect(JSON.parse(formatError(error, 'json'))).toMatchObject({ code: 'MR_DESERIALIZE', causes: ['Unexpected token'] })
})

test('an error that is not ours keeps its stack, which is all there is to go by', () => {
  expect(formatError(new RangeError('x'), 'text')).toMatch(/^error MR_UNEXPECTED: x\n(.*\n)* +at /)
})
