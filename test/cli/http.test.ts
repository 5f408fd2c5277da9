import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { until } from '../server/support.ts'
import { CliProcess, fixture, runMillrace } from './cli-process.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-http-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let count = 0
function run(...options: readonly string[]): CliProcess {
  const data = join(directory, `data-${++count}`)
  return new CliProcess(['run', fixture('words.ts'), '--data', data, '--drain', '0', ...options])
}

async function urlOf(cli: CliProcess): Promise<string> {
  await cli.stderrMatches(/^serving HTTP url=\S+/m)
  return /^serving HTTP url=(\S+)/m.exec(cli.stderr)![1]!
}

describe('millrace run --http', () => {
  test('serves probes and what runs to this machine, drains, and ends with the application', async () => {
    const cli = run('--http', '0', '--advertise', 'pod-0.app:8080', '--drain', '1d')
    const url = await urlOf(cli)
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(cli.stderr).toContain(` console=${url}/console`)
    const ask = (path: string): Promise<Response> => fetch(url + path)
    expect(await (await ask('/livez')).text()).toBe('ok\n')
    expect(await (await ask('/v1/app')).json()).toMatchObject({ id: 'word-count', guarantee: 'exactly_once' })
    expect(await (await ask('/v1/instances')).json()).toMatchObject({ instances: [{ endpoint: 'pod-0.app:8080' }] })
    await until(async () => (await ask('/readyz')).status === 200)
    cli.signal('SIGTERM')
    await until(async () => (await ask('/readyz')).status === 503)
    expect(await (await ask('/readyz')).text()).toContain('[-]drain ')
    expect([(await ask('/livez')).status, (await ask('/v1/app')).status]).toEqual([200, 200])
    cli.signal('SIGTERM')
    expect((await cli.result()).code).toBe(0)
    await expect(ask('/livez')).rejects.toThrow('fetch failed')
  })

  test('serves beyond this machine those who have a token of the file', async () => {
    const token = 'a-token-of-the-command-line'
    const file = join(directory, 'token')
    writeFileSync(file, token)
    const cli = run('--http', '0.0.0.0:0', '--http-token-file', file)
    const url = await urlOf(cli)
    expect((await fetch(`${url}/livez`)).status).toBe(200)
    expect((await fetch(`${url}/v1/app`)).status).toBe(401)
    expect((await fetch(`${url}/v1/app`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200)
    cli.signal('SIGTERM')
    const { code, stderr } = await cli.result()
    expect(code).toBe(0)
    expect(stderr).not.toContain(token)
  })

  test('shows dead letters to those who have a token of their own file, and nothing else to them', async () => {
    const tokens = { reader: 'a-token-that-may-read', support: 'a-token-for-dead-letters' }
    for (const [name, token] of Object.entries(tokens)) writeFileSync(join(directory, name), token)
    const letters = ['--http-dead-letters', join(directory, 'support')]
    const options = ['--drain', '0', '--data', join(directory, 'letters'), ...letters]
    const cli = new CliProcess([
      ...['run', fixture('letters.ts'), '--http', '0', '--http-token-file', join(directory, 'reader')],
      ...options,
    ])
    const url = await urlOf(cli)
    const ask = async (path: string, token: string): Promise<number> =>
      (await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })).status
    expect(await ask('/v1/dead-letters', tokens.support)).toBe(200)
    expect(await ask('/v1/app', tokens.support)).toBe(403)
    expect(await ask('/v1/dead-letters', tokens.reader)).toBe(403)
    expect(await ask('/v1/app', tokens.reader)).toBe(200)
    cli.signal('SIGTERM')
    expect((await cli.result()).code).toBe(0)
  })

  test('on an address that is taken ends the application in good order, and says so', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const { port } = other.address() as AddressInfo
    const { code, stderr } = await run('--http', String(port)).result()
    other.close()
    expect(code).toBe(1)
    expect(stderr).toContain(`error MR_SERVER_LISTEN: the server cannot listen on 127.0.0.1:${port}: somebody else`)
  })

  test.each([
    [['--http', 'localhost'], /HOST:PORT/],
    [['--advertise', '10.0.0.5:8080'], /--advertise cannot be used without --http/],
    [['--http-token-file', 'token'], /--http-token-file cannot be used without --http/],
    [['--http-dead-letters', 'token'], /--http-dead-letters cannot be used without --http/],
  ])('refuses %j before anything starts', async (options, message) => {
    const { code, stderr } = await runMillrace('run', fixture('words.ts'), ...options)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('starting')
  })
})
