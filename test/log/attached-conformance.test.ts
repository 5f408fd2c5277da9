import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedLog } from '../../src/log/embedded/embedded-log.ts'
import type { Log } from '../../src/log/log.ts'
import { logConformance } from './log-conformance.ts'

/** A log whose clients are those of the process that has it open: no stream task runs through another process. */
function withClientsOf(holder: Log, attached: Log): Log {
  return new Proxy(attached, {
    get(_, name) {
      const log = name === 'openClient' ? holder : attached
      const member: unknown = Reflect.get(log, name)
      return typeof member === 'function' ? (member.bind(log) as unknown) : member
    },
  })
}

logConformance('embedded, through the process that has it open', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-log-'))
  const holder = await embeddedLog({ directory })
  const attached = await embeddedLog({ directory })
  return {
    log: withClientsOf(holder, attached),
    async close() {
      await attached.close()
      await holder.close()
      rmSync(directory, { recursive: true, force: true })
    },
  }
})
