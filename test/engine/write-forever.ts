import { MillraceError } from '../../src/errors/millrace-error.ts'
import { chooseEngine } from '../../src/engine/choice/choose-engine.ts'
import { WriteBatch } from '../../src/engine/write-batch.ts'
import type { EngineName } from '../../src/engine/engine.ts'

/**
 * A process to kill. `write-forever.ts <engine> <directory>` writes the number i under twenty keys in batch i. An even
 * batch also puts i under a hundred other keys; an odd one deletes the range of those. It prints i after each batch, or
 * the code of the error if opening fails.
 */
const [name, directory] = process.argv.slice(2) as [EngineName, string]
try {
  const { factory } = await chooseEngine(name)
  const engine = await factory.open(directory, { writeBufferBytes: 64 * 1024 })
  for (let i = 1; ; i++) {
    const batch = new WriteBatch()
    const number = Buffer.from(`${i}`)
    for (let k = 0; k < 20; k++) batch.put(Buffer.from(`key${k}`), number)
    if (i % 2 === 1) batch.deleteRange(Buffer.from('range'), Buffer.from('rangf'))
    else for (let k = 0; k < 100; k++) batch.put(Buffer.from(`range${k}`), number)
    await engine.write(batch)
    process.stdout.write(`${i}\n`)
    if (i % 16 === 0) await new Promise((resolve) => setImmediate(resolve))
  }
} catch (error) {
  process.stdout.write(error instanceof MillraceError ? error.code : String(error))
}
