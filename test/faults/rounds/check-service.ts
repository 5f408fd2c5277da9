import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Random } from '../../simulation/random.ts'
import { riskOf } from './checks.ts'
import type { Check } from './checks.ts'

/** ms that a healthy answer takes at most. */
const PROMPT = 8
/** ms that a late answer takes at most: less than a call may take. */
const LATE = 300
/** ms that an answer takes that nobody waits for any more. */
const HANGING = 6000

/** What becomes of a call: answered at once, late, with an error, after the caller has given up, or not at all. */
const MISCHIEF = [
  { kind: 'late', chance: 0.01 },
  { kind: 'fails', chance: 0.03 },
  { kind: 'hangs', chance: 0.0005 },
  { kind: 'drops', chance: 0.005 },
] as const
type Manner = (typeof MISCHIEF)[number]['kind'] | 'prompt'

/** What the service of a round has seen. */
export interface CallsSeen {
  readonly calls: number
  /** Calls for something that had been called for before. */
  readonly repeated: number
  readonly manners: ReadonlyMap<Manner, number>
  /** Idempotency keys of several records, records with several keys, records that nobody called for. */
  readonly wrong: readonly string[]
}

/** An HTTP service that checks payments, is not reliable, and keeps account of the idempotency keys of its callers. */
export class CheckService {
  readonly #server: Server
  readonly #random: Random
  readonly #manners = new Map<Manner, number>()
  /** What was called for by each key, and by which keys each thing was called for. */
  readonly #byKey = new Map<string, Set<string>>()
  readonly #byRecord = new Map<string, Set<string>>()
  #calls = 0

  private constructor(seed: number) {
    this.#random = new Random(seed)
    this.#server = createServer((request, response) => {
      // A caller that goes away in the middle of its call has been counted, or has not called.
      this.#answer(request, response).catch(() => response.destroy())
    })
    this.#server.keepAliveTimeout = 60_000
  }

  static async start(seed: number): Promise<CheckService> {
    const service = new CheckService(seed)
    await new Promise<void>((resolve) => service.#server.listen(0, '127.0.0.1', resolve))
    return service
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  get calls(): number {
    return this.#calls
  }

  /** @param expected everything that must have been called for, as `nameOf` calls it */
  seen(expected: Iterable<string>): CallsSeen {
    const wrong: string[] = []
    for (const [key, records] of this.#byKey) {
      if (records.size > 1) wrong.push(`${key} was the key of ${[...records].join(', ')}`)
    }
    for (const [record, keys] of this.#byRecord) {
      if (keys.size > 1) wrong.push(`${record} had the keys ${[...keys].join(', ')}`)
    }
    const left = new Set(this.#byRecord.keys())
    for (const record of expected) if (!left.delete(record)) wrong.push(`nobody called for ${record}`)
    for (const record of left) wrong.push(`somebody called for ${record}, which nobody knows`)
    return { calls: this.#calls, repeated: this.#calls - this.#byRecord.size, manners: this.#manners, wrong }
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve))
    this.#server.closeAllConnections()
    await closed
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const check: Check = JSON.parse(body)
    this.#note(String(request.headers['idempotency-key']), nameOf(check))
    const manner = this.#chooseManner()
    this.#manners.set(manner, (this.#manners.get(manner) ?? 0) + 1)
    switch (manner) {
      case 'drops':
        response.destroy()
        return
      case 'fails':
        response.writeHead(500).end('try again')
        return
      case 'hangs':
        await sleep(HANGING, undefined, { ref: false })
        break
      case 'late':
        await sleep(this.#random.between(PROMPT, LATE))
        break
      case 'prompt':
        await sleep(this.#random.between(0, PROMPT))
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ risk: riskOf(check) }))
  }

  #chooseManner(): Manner {
    let at = this.#random.next()
    for (const { kind, chance } of MISCHIEF) {
      at -= chance
      if (at < 0) return kind
    }
    return 'prompt'
  }

  #note(key: string, record: string): void {
    this.#calls++
    add(this.#byKey, key, record)
    add(this.#byRecord, record, key)
  }
}

/** `p17 payer` */
export function nameOf({ id, check }: Check): string {
  return `${id} ${check}`
}

function add(sets: Map<string, Set<string>>, key: string, element: string): void {
  const set = sets.get(key)
  if (set === undefined) sets.set(key, new Set([element]))
  else set.add(element)
}
