import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import { silentLogger } from 'millrace'
import { Listener, type Patience } from '../../src/server/http/listener.ts'
import { answers, exchange, open, received, until } from './support.ts'

const listeners: Listener[] = []
afterEach(async () => {
  await Promise.all(listeners.splice(0).map((listener) => listener.close()))
})

/** Opens a socket. It has more patience than a test takes, but for what is given. */
async function listen(given: Partial<Patience> = {}): Promise<Listener> {
  const patience = { headers: 60_000, request: 60_000, idle: 60_000, silent: 60_000, close: 60_000, ...given }
  const limits = { mostHeader: 16_384, mostConnections: 2 }
  const listener = await Listener.open({ host: '127.0.0.1', port: 0, logger: silentLogger, patience, ...limits })
  listeners.push(listener)
  return listener
}

const GET = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

describe('a client that is slow', () => {
  test.each<[string, Partial<Patience>, readonly string[], readonly string[]]>([
    ['to begin a request', { headers: 300 }, [''], ['408 MR_SERVER_SLOW']],
    ['to send its headers', { headers: 300 }, ['GET / HTTP/1.1\r\nHost: lo'], ['408 MR_SERVER_SLOW']],
    [
      'to send its body',
      { headers: 1000, request: 1000 },
      ['POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n', 'half'],
      [],
    ],
    ['to send the next request', { idle: 300 }, [GET], ['200']],
  ])('%s loses its connection', async (_what, patience, sent, expected) => {
    const listener = await listen(patience)
    listener.serve(async (request) => new Response(await request.text()))
    expect(answers(await exchange(listener, ...sent))).toEqual(expected)
  })

  test('to take its response loses its connection', async () => {
    const listener = await listen({ silent: 500 })
    const chunk = new Uint8Array(64 * 1024)
    let isCancelled = false
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(chunk),
      cancel: () => void (isCancelled = true),
    })
    listener.serve(() => Promise.resolve(new Response(endless)))
    const socket = await open(listener)
    socket.write(GET)
    await until(() => isCancelled)
    socket.destroy()
  })
})

describe('a client that sends requests before the first is answered', () => {
  test('gets the answers to 16 of them in their order', async () => {
    const listener = await listen()
    let handled = 0
    listener.serve(() => Promise.resolve(new Response(`answer ${++handled}`)))
    const last = 'GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n'
    const text = await exchange(listener, GET.repeat(15) + last)
    expect(text.match(/answer \d+/g)).toEqual(Array.from({ length: 16 }, (_, index) => `answer ${index + 1}`))
  })

  test('loses its connection by the seventeenth, and no more are handled', async () => {
    const listener = await listen({ close: 1 })
    let handled = 0
    listener.serve(() => {
      handled++
      return new Promise(() => {})
    })
    expect(await exchange(listener, GET.repeat(1000))).toBe('')
    expect(handled).toBe(16)
    await until(() => listener.connections === 0)
  })
})

describe('a socket that closes', () => {
  test('lets requests end that run, and ends connections that are idle at once', async () => {
    const listener = await listen()
    const gate = Promise.withResolvers<void>()
    let running = 0
    listener.serve(async () => {
      running++
      await gate.promise
      return new Response('done')
    })
    const [idle, busy] = [await open(listener), await open(listener)]
    busy.write(GET)
    await until(() => running === 1)
    const closing = listener.close()
    await once(idle, 'close')
    gate.resolve()
    const text = await received(busy)
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\nconnection: close\r\n.*\r\n\r\ndone$/is)
    await closing
  })

  test('cuts requests that do not end', async () => {
    const listener = await listen({ close: 300 })
    let running = 0
    listener.serve(() => {
      running++
      return new Promise(() => {})
    })
    const busy = await open(listener)
    busy.write(GET)
    await until(() => running === 1)
    await listener.close()
    expect(await received(busy)).toBe('')
  })
})

describe('a socket that has all the connections that it may have', () => {
  test('refuses one more while a request runs on each', async () => {
    const listener = await listen({ close: 1 })
    let running = 0
    listener.serve(() => {
      running++
      return new Promise(() => {})
    })
    const busy = [await open(listener), await open(listener)]
    for (const socket of busy) socket.write(GET)
    await until(() => running === 2)
    expect(await exchange(listener, GET)).toBe('')
    expect(busy.map((socket) => socket.closed)).toEqual([false, false])
  })
})
