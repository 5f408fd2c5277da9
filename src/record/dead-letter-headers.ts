/**
 * Names of the headers that a dead letter has after those of its input record. The first six are those of KIP-1034; the
 * others say what Millrace knows besides.
 */
export const LETTER_HEADERS = {
  exception: '__streams.errors.exception',
  message: '__streams.errors.message',
  stack: '__streams.errors.stacktrace',
  topic: '__streams.errors.topic',
  partition: '__streams.errors.partition',
  offset: '__streams.errors.offset',
  code: 'millrace.errors.code',
  node: 'millrace.errors.node',
  task: 'millrace.errors.task',
  timestamp: 'millrace.errors.timestamp',
} as const

/** Header of a record that was replayed: the id of its dead letter. */
export const REPLAY_OF = 'millrace.replay-of'

/** Header of the record that marks a dead letter as replayed: the id of the dead letter. */
export const REPLAYED = 'millrace.replayed'
