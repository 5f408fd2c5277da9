import { embeddedLog } from '../../../src/log/embedded/embedded-log.ts'
import type { EngineName } from '../../../src/engine/engine.ts'

/** A process to kill. `open-accepting.ts <engine> <directory>` opens a log with what is left of it, and closes it. */
const [engine, directory] = process.argv.slice(2) as [EngineName, string]
const log = await embeddedLog({ directory, engine, acceptLoss: true, logger: { warn() {} } })
await log.close()
