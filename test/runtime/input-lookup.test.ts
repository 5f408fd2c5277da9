import { expect, test } from 'vitest'
import type { Log, LogReader } from '../../src/log/log.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { InputLookup } from '../../src/runtime/failures/input-lookup.ts'

test('an application that closes waits for no input record, and leaves no reader open', async () => {
  let open = 0
  const reader: Partial<LogReader> = {
    assign: () => {},
    resume: () => {},
    pause: () => {},
    poll: () => 0,
    position: () => 0,
    onReady: () => {},
    close: () => void open--,
  }
  const log: Partial<Log> = {
    kind: 'kafka',
    openReader: () => {
      open++
      return reader as LogReader
    },
  }
  const lookup = new InputLookup(log as Log, systemClock)
  const found = Promise.resolve(lookup.find('orders', 0, 5))
  expect(open).toBe(1)
  lookup.close()
  await expect(found).rejects.toMatchObject({ code: 'MR_LOG_UNREACHABLE', topic: 'orders', offset: 5 })
  expect(open).toBe(0)
})
