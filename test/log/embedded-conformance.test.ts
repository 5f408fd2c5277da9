import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedLog } from '../../src/log/embedded/embedded-log.ts'
import type { EngineName } from '../../src/engine/engine.ts'
import { logConformance } from './log-conformance.ts'

const engines: readonly EngineName[] = ['rocksdb', 'level', 'memory']
for (const engine of engines) {
  logConformance(`embedded in ${engine}`, async () => {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-log-'))
    const log = await embeddedLog({ directory, engine })
    return {
      log,
      async close() {
        await log.close()
        rmSync(directory, { recursive: true, force: true })
      },
    }
  })
}
