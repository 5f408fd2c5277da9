import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { parseArgs } from 'node:util'
import { serve, type ServerOptions } from 'millrace/server'
import { Running } from './support.ts'

/*
 * Runs schemathesis over the OpenAPI documents of a server that this machine may read, and of one that asks for tokens.
 * Whether a request fits or not, its response must be one that the document describes, and no 5xx. It needs the command
 * `schemathesis`, or its path in the variable SCHEMATHESIS.
 */

const { values } = parseArgs({
  options: { examples: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } },
})
const token = 'a-token-for-schemathesis'

const SERVERS: readonly (readonly [what: string, options: ServerOptions, headers: readonly string[]])[] = [
  ['without tokens', {}, []],
  ['with tokens', { auth: { tokens: [{ token, role: 'control' }] } }, ['--header', `Authorization: Bearer ${token}`]],
]

await using running = await Running.start()
for (const [what, options, headers] of SERVERS) {
  await using server = await serve(running.streams, { listen: 0, ...options })
  console.log(`A server ${what}:`)
  const document = `${server.address!.url}/openapi.json`
  const given = ['--max-examples', values.examples, '--seed', values.seed, ...headers]
  const command = process.env['SCHEMATHESIS'] ?? 'schemathesis'
  const [code] = await once(
    spawn(command, ['run', document, ...given], { stdio: 'inherit', cwd: running.directory }),
    'exit',
  )
  if (code !== 0) process.exitCode = 1
}
