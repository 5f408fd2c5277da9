import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { memoryLog, type Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import { embeddedLog } from '../../src/log/embedded/embedded-log.ts'
import { sharedBroker } from '../kafka/broker/index.ts'
import type { LogPlace, LosablePlace } from './kit.ts'

export async function inMemory(): Promise<LosablePlace> {
  const log = memoryLog({ controlRecords: true })
  return { open: async () => log, endSession: (id) => log.endSession(id), close: async () => log.close() }
}

export async function embedded(): Promise<LogPlace> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-connect-'))
  const log = await embeddedLog({ directory })
  return {
    open: async () => log,
    close: async () => {
      await log.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
}

/** Every instance has connections of its own. */
export async function onKafka(): Promise<LogPlace> {
  const opened: Log[] = []
  return {
    open: async () => {
      const log = kafka({ brokers: await sharedBroker() })
      opened.push(log)
      return log
    },
    close: async () => {
      for (const log of opened) await log.close()
    },
  }
}
