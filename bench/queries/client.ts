/**
 * A client of a server, in a process of its own so that it does not share the event loop that it measures. Its command
 * line is `ClientTask` as JSON. It prints what it has found out as a line of JSON.
 */
import { Agent, get, type IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { partitionForKey } from '../../src/record/murmur2.ts'
import { percentiles, type Percentiles } from '../side-by-side/latency/percentiles.ts'

export type ClientTask = { readonly url: string; readonly store: string } & (
  | {
      readonly kind: 'points'
      /** Keys are `acct-0` to the one before this. */
      readonly accounts: number
      /** Only keys of these of so many partitions are asked; undefined: all. */
      readonly among?: { readonly partitions: readonly number[]; readonly of: number }
      /** Requests a second, whatever becomes of them; undefined: one after the other. */
      readonly rate?: number
      /** Until so many were answered; undefined: until SIGTERM. */
      readonly requests?: number
      /** ms of requests that do not count. */
      readonly warmUp: number
    }
  | { readonly kind: 'scan' }
)

export interface PointReport extends Percentiles {
  readonly kind: 'points'
  /** Responses other than a row, and broken connections. */
  readonly failed: number
  /** Their statuses; 0 is a broken connection. */
  readonly statuses: readonly number[]
  /** The greatest delay of a request behind its time, ms: the client had no core then. */
  readonly late: number
}

export interface ScanReport {
  readonly kind: 'scan'
  readonly rows: number
  readonly megabytes: number
  readonly seconds: number
}

const agent = new Agent({ keepAlive: true, maxSockets: 64 })
const task = JSON.parse(process.argv[2] ?? '') as ClientTask
const { url, store } = task
let isEnding = false
process.once('SIGTERM', () => (isEnding = true))
const report = task.kind === 'scan' ? await scan() : await points(task)
console.log(JSON.stringify(report))
agent.destroy()

async function points(given: ClientTask & { kind: 'points' }): Promise<PointReport> {
  const keys = keysOf(given)
  const { rate, requests = Infinity, warmUp } = given
  const times: number[] = []
  const started = performance.now()
  const statuses = new Set<number>()
  let [sent, failed, late] = [0, 0, 0]
  const ask = async (): Promise<void> => {
    const key = keys[Math.floor(Math.random() * keys.length)]
    const begin = performance.now()
    const status = await statusOf(`${url}/v1/stores/${store}/entries/${key}`)
    if (begin - started < warmUp) return
    if (status === 200) times.push(performance.now() - begin)
    else {
      failed++
      statuses.add(status)
    }
  }
  if (rate === undefined) {
    while (times.length + failed < requests && !isEnding) await ask()
    return { kind: 'points', ...percentiles(times), failed, statuses: [...statuses], late }
  }
  const running = new Set<Promise<void>>()
  while (times.length + failed < requests && !isEnding) {
    const elapsed = performance.now() - started
    for (; sent < (elapsed / 1000) * rate; sent++) {
      if (elapsed > warmUp) late = Math.max(late, elapsed - (sent / rate) * 1000)
      const asking = ask().finally(() => running.delete(asking))
      running.add(asking)
    }
    await pause(1)
  }
  await Promise.all(running)
  return { kind: 'points', ...percentiles(times), failed, statuses: [...statuses], late }
}

function keysOf({ accounts, among }: ClientTask & { kind: 'points' }): string[] {
  const keys = Array.from({ length: accounts }, (_, account) => `acct-${account}`)
  if (among === undefined) return keys
  return keys.filter((key) => {
    const bytes = Buffer.from(key)
    return among.partitions.includes(partitionForKey(bytes, 0, bytes.length, among.of))
  })
}

/** Resolves to the status of a response that was read to its end; 0 if there is none. */
async function statusOf(address: string): Promise<number> {
  try {
    const response = await requested(address)
    for await (const _ of response);
    return response.statusCode ?? 0
  } catch {
    return 0
  }
}

function requested(address: string, headers: Readonly<Record<string, string>> = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    get(address, { agent, headers }, resolve).on('error', reject)
  })
}

/** Reads a whole store line by line. @throws if it was cut */
async function scan(): Promise<ScanReport> {
  const begin = performance.now()
  const response = await requested(`${url}/v1/stores/${store}/entries`, { accept: 'application/x-ndjson' })
  let [bytes, lines] = [0, 0]
  let tail = ''
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length
    for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, at + 1)) lines++
    tail = (tail + chunk.subarray(-2000).toString()).slice(-2000)
  }
  const seconds = (performance.now() - begin) / 1000
  const end = JSON.parse(tail.trimEnd().split('\n').at(-1) ?? '') as { readonly end: boolean; readonly rows: number }
  if (!end.end || end.rows !== lines - 1) throw new Error(`the scan ended with ${JSON.stringify(end)}`)
  return { kind: 'scan', rows: end.rows, megabytes: bytes / 1e6, seconds }
}
