import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedLog, memoryLog } from '../../src/index.ts'
import { instancePromises } from './instance-promises.ts'

let names = 0
const uniqueName = (name: string): string => `${name}-${names++}`

instancePromises('the memory log', async () => {
  const log = memoryLog()
  return { log, uniqueName, guarantee: 'exactly_once', close: async () => log.close() }
})

instancePromises('the embedded log', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-acceptance-log-'))
  const log = await embeddedLog({ directory, fsync: false })
  return {
    log,
    uniqueName,
    guarantee: 'exactly_once',
    close: async () => {
      await log.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
})
