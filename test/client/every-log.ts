import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe } from 'vitest'
import { embeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { memoryLog } from '../../src/log/memory/memory-log.ts'
import type { Log } from '../../src/log/log.ts'
import { kafka } from '../../src/kafka/index.ts'
import { sharedBroker } from '../kafka/broker/index.ts'

interface OpenedLog {
  readonly log: Log
  close(): Promise<void>
}

/** The logs that users have. Names of topics and groups must be unique: the tests share a broker. */
const EVERY_LOG: readonly { readonly name: string; open(): Promise<OpenedLog> }[] = [
  {
    name: 'memory',
    async open() {
      const log = memoryLog({ controlRecords: true })
      return { log, close: async () => log.close() }
    },
  },
  {
    name: 'embedded',
    async open() {
      const directory = mkdtempSync(join(tmpdir(), 'millrace-log-'))
      const log = await embeddedLog({ directory, fsync: false })
      return {
        log,
        async close() {
          await log.close()
          rmSync(directory, { recursive: true, force: true })
        },
      }
    },
  },
  {
    name: 'Kafka',
    async open() {
      const log = kafka({ brokers: await sharedBroker() })
      return { log, close: async () => log.close() }
    },
  },
]

/**
 * Describes something on each of the logs.
 *
 * @param tests gets an object that has the log while they run
 */
export function onEveryLog(what: string, tests: (on: { readonly log: Log }) => void): void {
  describe.each(EVERY_LOG)(`${what}, on the $name log`, ({ open }) => {
    let opened: OpenedLog
    beforeAll(async () => {
      opened = await open()
    })
    afterAll(async () => {
      await opened.close()
    })
    tests({
      get log() {
        return opened.log
      },
    })
  })
}
