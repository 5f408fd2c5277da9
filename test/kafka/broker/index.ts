import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export { startBroker, startCluster } from './start-broker.ts'
export type { BrokerOptions, PrivateBroker, PrivateCluster, PrivateNode } from './start-broker.ts'

/**
 * Returns the bootstrap address of the broker that all test files of one run share: `MILLRACE_KAFKA` if set, else one
 * that the first file starts and that ends with the run. Topics and groups should have names of their own
 * (`uniqueName`).
 */
export async function sharedBroker(): Promise<string> {
  const given = process.env['MILLRACE_KAFKA']
  if (given !== undefined && given !== '') return given
  // Test files run in worker processes of one vitest process, which is therefore what the broker must not outlive.
  const directory = join(tmpdir(), `millrace-shared-broker-${process.ppid}`)
  if (await becameStarter(directory)) startKeeper(directory, process.ppid)
  return waitForBroker(directory)
}

let names = 0

/** Returns a name that no other test of this or an earlier run uses. */
export function uniqueName(prefix: string): string {
  return `${prefix}-${process.pid}-${Date.now().toString(36)}-${names++}`
}

async function becameStarter(directory: string): Promise<boolean> {
  for (;;) {
    try {
      mkdirSync(directory)
      writeFileSync(join(directory, 'starter'), String(process.pid))
      return true
    } catch {
      // The file is left over from a run that was killed, and its process id is in use again.
      if (!keeperDied(directory)) return false
      rmSync(directory, { recursive: true, force: true })
      await sleep(10)
    }
  }
}

function keeperDied(directory: string): boolean {
  const file = join(directory, 'keeper')
  return existsSync(file) && !isAlive(Number(readFileSync(file, 'utf8')))
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

function startKeeper(directory: string, owner: number): void {
  const log = openSync(join(directory, 'log'), 'a')
  const script = join(import.meta.dirname, 'keeper.ts')
  const keeper = spawn(process.execPath, [script, directory, String(owner)], {
    detached: true,
    stdio: ['ignore', log, log],
    // It ends after the run, and would leave its part of the cache behind.
    env: { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' },
  })
  closeSync(log)
  keeper.unref()
  writeFileSync(join(directory, 'keeper'), String(keeper.pid))
}

async function waitForBroker(directory: string): Promise<string> {
  const deadline = Date.now() + 180_000
  while (Date.now() < deadline) {
    const ready = join(directory, 'ready')
    if (existsSync(ready)) return readFileSync(ready, 'utf8')
    if (keeperDied(directory))
      throw new Error(`no Kafka broker for the tests:\n${readFileSync(join(directory, 'log'), 'utf8')}`)
    await sleep(50)
  }
  throw new Error(`no Kafka broker for the tests within 3 minutes; see ${join(directory, 'log')}`)
}
