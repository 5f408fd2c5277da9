import { expect, test } from 'vitest'
import { MillraceError } from '../../../src/errors/millrace-error.ts'
import { KafkaError, kafkaErrors } from '../../../src/kafka/protocol/errors.ts'
import { ValueReceiver, ValueSender } from '../../../src/runtime/workers/sent-error.ts'

const sender = new ValueSender()
const receiver = new ValueReceiver()
const sent = (value: unknown): unknown => receiver.receive(structuredClone(sender.send(value)))

test('an error arrives in another thread with code, place, hint, stack and causes', () => {
  const cause = Object.assign(new RangeError('too small'), { code: 'ESMALL' })
  const error = new MillraceError('MR_PROCESSING', 'it failed', {
    node: 'map',
    task: '0_1',
    topic: 'words',
    partition: 1,
    offset: 7,
    hint: 'Do better.',
    cause,
  })
  const received = sent(error)
  expect(received).toBeInstanceOf(MillraceError)
  expect(received).toMatchObject({
    name: 'MillraceError',
    code: 'MR_PROCESSING',
    message: error.message,
    hint: 'Do better.',
    node: 'map',
    task: '0_1',
    topic: 'words',
    partition: 1,
    offset: 7,
    stack: error.stack,
    cause: { name: 'RangeError', message: 'too small', code: 'ESMALL', stack: cause.stack },
  })
  expect(Object.keys(received as object).toSorted()).toEqual(Object.keys(error).toSorted())
})

test('errors of the log and several errors in one arrive, too', () => {
  const refused = new KafkaError(kafkaErrors.unknownTopicOrPartition, 'no such topic')
  expect(sent(refused)).toMatchObject({ code: refused.code, message: refused.message, name: refused.name })
  const both = new AggregateError([new Error('one'), 'two'], 'both failed')
  expect(sent(both)).toMatchObject({ message: 'both failed', errors: [{ message: 'one' }, 'two'] })
})

test('an error that is sent twice is one error', () => {
  const error = new Error('once')
  expect(sent(error)).toBe(sent(error))
  expect(sent(new Error('once'))).not.toBe(sent(error))
})

test('whatever was thrown arrives, if only as text', () => {
  expect(sent('text')).toBe('text')
  expect(sent(undefined)).toBe(undefined)
  expect(sent({ a: [1, null, { b: 2n }] })).toEqual({ a: [1, null, { b: 2n }] })
  expect(sent(() => {})).toContain('Function')
  expect(sent(new Map([[1, 2]]))).toBe('Map(1) { 1 => 2 }')
})

test('a ring of causes ends', () => {
  const error = new Error('round')
  error.cause = new Error('and round', { cause: error })
  expect(sent(error)).toMatchObject({ message: 'round', cause: { message: 'and round' } })
})
