import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request, type RequestOptions } from 'node:https'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { silentLogger, Streams } from 'millrace'
import { serve } from 'millrace/server'
import { systemClock } from '../../src/platform/clock.ts'
import { PemFiles } from '../../src/credentials/pem-files.ts'
import { PeerClient } from '../../src/query/remote/peer-client.ts'
import { formatOf, PEER_PATH } from '../../src/query/remote/wire.ts'
import { Listener } from '../../src/server/http/listener.ts'
import { Running, until } from './support.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-tls-'))
const file = (name: string): string => join(directory, name)

/** Makes an authority, and a certificate of it for this machine. */
function make(authority: string, name: string): void {
  const openssl = (...args: string[]): void => void execFileSync('openssl', args, { stdio: 'ignore' })
  const key = (of: string): string[] => [
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-keyout',
    file(of),
  ]
  openssl(
    'req',
    '-x509',
    ...key(`${authority}.key`),
    '-out',
    file(`${authority}.crt`),
    '-subj',
    `/CN=${authority}`,
    '-days',
    '2',
  )
  openssl('req', ...key(`${name}.key`), '-out', file(`${name}.csr`), '-subj', `/CN=${name}`)
  writeFileSync(file('san'), 'subjectAltName=IP:127.0.0.1')
  const signer = ['-CA', file(`${authority}.crt`), '-CAkey', file(`${authority}.key`), '-CAcreateserial']
  openssl(
    'x509',
    '-req',
    '-in',
    file(`${name}.csr`),
    ...signer,
    '-out',
    file(`${name}.crt`),
    '-days',
    '2',
    '-extfile',
    file('san'),
  )
}

const own = { cert: file('instance.crt'), key: file('instance.key') }
let running: Running
beforeAll(async () => {
  make('authority', 'instance')
  make('stranger', 'other')
  running = await Running.start()
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  rmSync(directory, { recursive: true, force: true })
})

async function get(url: string, options: RequestOptions = {}): Promise<number | undefined> {
  const sent = request(url, {
    ca: readFileSync(file('authority.crt')),
    agent: new Agent({ keepAlive: false }),
    ...options,
  })
  sent.end()
  const [response] = await once(sent, 'response')
  response.resume()
  return response.statusCode
}

describe('a server with a certificate', () => {
  test('answers by TLS, and by nothing else', async () => {
    await using server = await serve(running.streams, { listen: 0, tls: own })
    expect(server.address!.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/)
    expect(await get(`${server.address!.url}/readyz`)).toBe(200)
    await expect(fetch(`http://127.0.0.1:${server.address!.port}/readyz`)).rejects.toThrow('fetch failed')
  })

  test('takes a new one without a restart', async () => {
    const [cert, key] = [file('renewed.crt'), file('renewed.key')]
    copyFileSync(own.cert, cert)
    copyFileSync(own.key, key)
    await using server = await serve(running.streams, { listen: 0, tls: { cert, key } })
    const issuer = async (): Promise<string | undefined> => {
      const socket = connect({ port: server.address!.port, host: '127.0.0.1', rejectUnauthorized: false })
      await once(socket, 'secureConnect')
      const { issuer } = socket.getPeerCertificate()
      socket.destroy()
      return issuer.CN as string
    }
    expect(await issuer()).toBe('authority')
    copyFileSync(file('other.key'), key)
    await until(async () => {
      expect(await issuer()).toBe('authority')
      return running.lines.some(({ message }) => message.startsWith('certificates cannot be read'))
    })
    copyFileSync(file('other.crt'), cert)
    await until(async () => (await issuer()) === 'stranger')
  })

  test('counts connections whose handshake never ends', async () => {
    await using server = await serve(running.streams, { listen: 0, tls: own, limits: { connections: 2 } })
    const silent = Array.from({ length: 5 }, () => createConnection(server.address!.port, '127.0.0.1'))
    for (const each of silent) each.on('error', () => {})
    await Promise.all(silent.slice(0, 3).map((each) => once(each, 'close')))
    expect(await get(`${server.address!.url}/livez`)).toBe(200)
    for (const each of silent) each.destroy()
  })

  test('ends connections whose handshake takes too long', async () => {
    const patience = { headers: 200, request: 60_000, idle: 60_000, silent: 60_000, close: 60_000 }
    const pems = await PemFiles.open(own, silentLogger)
    const given = { host: '127.0.0.1', port: 0, mostHeader: 16_384, mostConnections: 10, logger: silentLogger }
    const listener = await Listener.open({ ...given, pems, patience })
    listener.serve(async () => new Response())
    const silent = createConnection(listener.port, '127.0.0.1')
    await once(silent, 'close')
    await until(() => listener.connections === 0)
    await listener.close()
  })

  test.each([
    [{ cert: file('none.crt'), key: own.key }, /ENOENT/],
    [{ cert: own.cert, key: file('other.key') }, /key values mismatch/],
    [{ cert: own.key, key: own.key }, /no start line/],
  ])('is not opened with files that cannot be used', async (tls, message) => {
    await expect(serve(running.streams, { listen: 0, tls })).rejects.toMatchObject({
      code: 'MR_SERVER_CERTIFICATE',
      message: expect.stringMatching(message),
    })
  })

  test('needs both a certificate and a key', async () => {
    await expect(serve(running.streams, { listen: 0, tls: { cert: own.cert } as never })).rejects.toMatchObject({
      code: 'MR_CONFIG',
      message: expect.stringContaining('tls.key'),
    })
  })
})

describe('instances with certificates of one authority', () => {
  const body = JSON.stringify({})
  const headers = { 'content-type': 'application/json', 'content-length': body.length }

  test('know each other without a token, and nobody else', async () => {
    const auth = { tokens: [{ token: 'a-user-who-may-read', role: 'read' as const }] }
    const peerCa = file('authority.crt')
    await using server = await serve(running.streams, { listen: 0, auth, tls: { ...own, peerCa } })
    const ask = (certificate: string | undefined): Promise<number | undefined> => {
      const pems =
        certificate === undefined
          ? {}
          : { cert: readFileSync(file(`${certificate}.crt`)), key: readFileSync(file(`${certificate}.key`)) }
      return new Promise((resolve, reject) => {
        const sent = request(`${server.address!.url}${PEER_PATH}`, {
          method: 'POST',
          ca: readFileSync(peerCa),
          headers,
          agent: new Agent({ keepAlive: false }),
          ...pems,
        })
        sent.on('response', (response) => {
          response.resume()
          resolve(response.statusCode)
        })
        sent.on('error', reject)
        sent.end(body)
      })
    }
    // The body is none: it was let in.
    expect(await ask('instance')).toBe(400)
    expect([await ask(undefined), await ask('other')]).toEqual([401, 401])
    const asPeer = { cert: readFileSync(own.cert), key: readFileSync(own.key) }
    expect(await get(`${server.address!.url}/v1/app`, asPeer)).toBe(401)
  })

  test('ask each other, and say whose certificate they do not believe', async () => {
    await using server = await serve(running.streams, { listen: 0, tls: { ...own, peerCa: file('authority.crt') } })
    const endpoint = `127.0.0.1:${server.address!.port}`
    const spec = running.streams.topology.stores.get('totals')!.spec
    const question = {
      endpoint,
      format: formatOf(spec),
      request: {
        store: 'totals',
        partition: 0,
        query: { op: 'get', key: Buffer.from('nobody') },
        consistency: 'latest',
        role: 'active',
        maxLag: 0,
        at: undefined,
      },
      deadline: systemClock.monotonic() + 5000,
      isDoubtful: () => false,
    } as const
    const clientOf = async (ca: string): Promise<PeerClient> =>
      new PeerClient({
        application: running.streams.app.id,
        clock: systemClock,
        token: async () => undefined,
        pems: await PemFiles.open({ ca: file(ca), ...own }, silentLogger),
      })
    const client = await clientOf('authority.crt')
    expect((await client.open(question)).page).toMatchObject({ more: undefined, rows: Buffer.alloc(0) })
    client.close()
    const wary = await clientOf('stranger.crt')
    await expect(wary.open(question)).rejects.toMatchObject({
      code: 'MR_QUERY_PEER',
      message: expect.stringMatching(/does not answer: [A-Z_]*(CERT|SIGNATURE)/),
    })
    wary.close()
  })

  test('need files that can be used when they start', async () => {
    const peerTls = { ca: file('none.crt') }
    const given = { log: running.streams.log, stateDirectory: file('state'), peerTls }
    await expect(Streams.start(running.streams.app, given)).rejects.toMatchObject({ code: 'MR_SERVER_CERTIFICATE' })
    const half = { ...given, peerTls: { ca: file('authority.crt'), cert: own.cert } }
    await expect(Streams.start(running.streams.app, half)).rejects.toMatchObject({
      code: 'MR_CONFIG',
      hint: 'Give both cert and key, or none of them.',
    })
  })
})
