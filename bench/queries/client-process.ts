import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { join } from 'node:path'
import type { ClientTask, PointReport, ScanReport } from './client.ts'

const MAIN = join(import.meta.dirname, 'client.ts')

type Report<T extends ClientTask> = Extract<PointReport | ScanReport, { readonly kind: T['kind'] }>

/** A client that runs: its report, and what ends it before it is done. */
export interface RunningClient<T extends ClientTask> {
  readonly report: Promise<Report<T>>
  end(): Promise<Report<T>>
}

/** Starts a client in a process of its own. */
export function startClient<T extends ClientTask>(task: T): RunningClient<T> {
  const child = spawn(process.execPath, ['--conditions=millrace-source', MAIN, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  const killAtExit = (): void => void child.kill('SIGKILL')
  process.once('exit', killAtExit)
  const report = (async () => {
    const [said, [code]] = await Promise.all([text(child.stdout), once(child, 'close')])
    process.removeListener('exit', killAtExit)
    if (code !== 0) throw new Error(`the client failed (${code}): ${said}`)
    return JSON.parse(said) as Report<T>
  })()
  const end = (): Promise<Report<T>> => {
    child.kill('SIGTERM')
    return report
  }
  return { report, end }
}
