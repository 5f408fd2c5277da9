import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { randomAt } from '../kit/random.ts'
import type { Payment } from './topics.ts'

/** ms that an answer takes at most. */
const SLOWEST = 40
/** One call in so many is refused, as services do that are busy. */
const BUSY = 20

/** What the service thinks of a payment, from 0 to 100: the same whenever it is asked. */
export function riskOf({ id, cents }: Payment): number {
  return Math.floor(randomAt(cents, Number(id.slice(1)), 0) * 101)
}

/** Starts a small HTTP service that scores payments: slowly, and not always. */
export async function startScoringService(): Promise<{ readonly url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      let body = ''
      for await (const chunk of request) body += String(chunk)
      const payment: Payment = JSON.parse(body)
      await sleep(Math.random() * SLOWEST)
      if (Math.random() < 1 / BUSY) response.writeHead(503).end()
      else response.end(JSON.stringify({ risk: riskOf(payment) }))
    }
    // The caller has gone away.
    answer().catch(() => response.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    stop: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
