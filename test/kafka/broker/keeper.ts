import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startBroker } from './start-broker.ts'

// Runs beside a test run: starts the shared broker, writes its address to <directory>/ready, and ends it with the run.
const [directory, owner] = process.argv.slice(2)
if (directory === undefined || owner === undefined) throw new Error('usage: keeper.ts <directory> <owner pid>')

const ownerLives = () => {
  try {
    return process.kill(Number(owner), 0)
  } catch {
    return false
  }
}

const broker = await startBroker()
try {
  writeFileSync(join(directory, 'ready.partial'), broker.brokers)
  renameSync(join(directory, 'ready.partial'), join(directory, 'ready'))
  while (ownerLives()) await sleep(300)
} finally {
  await broker.stop()
  rmSync(directory, { recursive: true, force: true })
}
