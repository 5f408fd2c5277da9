/** Opens a directory, in a process or a thread of its own, and reports the result: `open`, or the code of the error. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads'
import { MillraceError } from '../../src/errors/millrace-error.ts'
import { chooseEngine } from '../../src/engine/choice/choose-engine.ts'
import type { EngineName } from '../../src/engine/engine.ts'

const [engine, directory]: [EngineName, string] = isMainThread ? process.argv.slice(2) : workerData
const { factory } = await chooseEngine(engine)
let told = 'open'
try {
  const opened = await factory.open(directory)
  await opened.close()
} catch (error) {
  told = error instanceof MillraceError ? error.code : String(error)
}
if (isMainThread) console.log(told)
else parentPort?.postMessage(told, [])
