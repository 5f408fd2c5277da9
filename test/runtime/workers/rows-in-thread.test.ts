import { expect, test } from 'vitest'
import type { OpenScans } from '../../../src/query/open-scans.ts'
import type { RowPage, RowRequest } from '../../../src/query/row-request.ts'
import type { FromWorker } from '../../../src/runtime/workers/messages.ts'
import { answerQuery, RowsInThread } from '../../../src/runtime/workers/rows-in-thread.ts'
import { ValueReceiver, ValueSender } from '../../../src/runtime/workers/sent-error.ts'

test('a query comes to a worker as it was asked, with its keys as buffers', async () => {
  const asked: RowRequest = {
    store: 'minutes',
    partition: 2,
    query: {
      op: 'windows',
      key: Buffer.from('alice'),
      from: 0,
      to: 10,
      reverse: false,
      after: { key: Buffer.from('alice'), start: 3, end: 4 },
    },
    consistency: 'committed',
    role: 'active',
    maxLag: 0,
    at: { payments: { 2: 7 } },
  }
  const source = { partition: 2, role: 'active', consistency: 'committed', lag: 0, age: 0, position: {} } as const
  const got: RowRequest[] = []
  const scans = {
    open: (request: RowRequest): Promise<RowPage> => {
      got.push(request)
      return Promise.resolve({ rows: Buffer.alloc(0), source, more: undefined })
    },
  } as OpenScans
  const rows = new RowsInThread((message) => {
    if (message.type !== 'query') throw new TypeError(`a ${message.type} is no query`)
    void answerQuery(scans, structuredClone(message), new ValueSender(), (answer) =>
      rows.received(structuredClone(answer) as Extract<FromWorker, { type: 'answer' }>),
    )
  }, new ValueReceiver())
  expect(await rows.open(asked)).toMatchObject({ source })
  expect(got).toStrictEqual([asked])
})
