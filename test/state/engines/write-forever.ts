import { MillraceError } from '../../../src/errors.ts'
import { chooseEngine } from '../../../src/state/engines/choose.ts'
import { WriteBatch } from '../../../src/state/engine.ts'
import type { EngineName } from '../../../src/state/engine.ts'

/**
 * A process to kill: `write-forever.ts <engine> <directory>` writes batches of the same number under twenty keys and prints
 * the number behind each; or prints the code of the error that opening gives.
 */
const [name, directory] = process.argv.slice(2) as [EngineName, string]
try {
  const { factory } = await chooseEngine(name)
  const engine = await factory.open(directory, { writeBufferBytes: 64 * 1024 })
  for (let i = 1; ; i++) {
    const batch = new WriteBatch()
    if (i % 10 === 0) batch.deleteRange(Buffer.from('key'), Buffer.from('kez'))
    for (let k = 0; k < 20; k++) batch.put(Buffer.from(`key${k}`), Buffer.from(`${i}`))
    await engine.write(batch)
    process.stdout.write(`${i}\n`)
    if (i % 16 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
} catch (error) {
  process.stdout.write(error instanceof MillraceError ? error.code : String(error))
}
