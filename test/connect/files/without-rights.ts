import type { SinkSpec } from '../../../src/connect/definition/sink.ts'
import { fileSink } from '../../../src/connect/files/file-sink.ts'
import { string, topic } from '../../../src/index.ts'
import { FilePattern } from '../../../src/connect/files/reading/file-pattern.ts'
import { openBytes } from '../../../src/connect/files/reading/byte-source.ts'

// Reads and writes files as a user who may do neither, and prints the errors.
const [, , secret, out] = process.argv
process.setgroups!([])
process.setgid!(65534)
process.setuid!(65534)

const lines = topic('lines', { key: string(), value: string() })
const file = await (await FilePattern.of(secret!)).find()
await shown(async () => void (await openBytes(secret!, file[0]!.id)))
await shown(async () => {
  const sink = fileSink({ name: 'out', topics: [lines], path: out! }) as SinkSpec
  await sink.open({ partitions: [{ topic: 'lines', partition: 0 }], signal: AbortSignal.timeout(5000) } as never)
})

async function shown(act: () => Promise<void>): Promise<void> {
  try {
    await act()
    console.log('nothing was refused')
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    console.log(code, message.replace(/:.*/, ''))
  }
}
