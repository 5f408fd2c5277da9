import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { memoryLog, session, string, topic, TopicWriter, tumbling } from 'millrace'
import { serve, type ServerOptions } from 'millrace/server'
import { Running } from './support.ts'

/*
 * Runs schemathesis over the OpenAPI documents of a server that this machine may read, and of one that asks for tokens.
 * Whether a request fits or not, its response must be one that the document describes, and no 5xx. Watches have no end,
 * so that there may be none: those that fit get 429. It needs the command `schemathesis`, or its path in the variable
 * SCHEMATHESIS.
 */

const { values } = parseArgs({
  options: { examples: { type: 'string', default: '100' }, seed: { type: 'string', default: '1' } },
})
const token = 'a-token-for-schemathesis'

const SERVERS: readonly (readonly [what: string, options: ServerOptions, headers: readonly string[]])[] = [
  ['without tokens', {}, []],
  [
    'with tokens',
    {
      auth: {
        tokens: (['control', 'dead-letters', 'topics.read', 'topics.write'] as const).map((role) => ({ token, role })),
      },
    },
    ['--header', `Authorization: Bearer ${token}`],
  ],
]

const items = topic('items', { key: string(), value: string() })
const log = memoryLog()
await log.createTopics(['items', 'rejected'].map((name) => ({ name, partitions: 2 })))
await using writer = await TopicWriter.open(log, items)
for (const key of ['a', 'b', '', '0']) writer.write(key, key, { timestamp: 1 })
await writer.flush()
await using running = await Running.start(
  {
    deadLetterTopic: 'rejected',
    onProcessingError: 'deadLetter',
    build: (builder) => {
      const stream = builder.stream(items)
      stream.filter((key) => key === '0').forEach(fail)
      stream.groupByKey().count({ store: 'totals' })
      stream.groupByKey().windowedBy(tumbling('1m')).count({ store: 'minutes' })
      stream.groupByKey().windowedBy(session('1m')).count({ store: 'visits' })
      stream.toTable({ store: { name: 'history', versioned: { history: '1h' } } })
    },
  },
  { log },
)
/** A text that is made up is hardly ever a store. Whether it is a key, a cursor or a position, no schema can say. */
const configOf = (store: string): string => `
[parameters]
"path.store" = ${JSON.stringify(store)}
"path.id" = "rejected-0-0"
"path.topic" = "items"
"path.cluster" = "memory"
[checks.positive_data_acceptance]
expected-statuses = ["2xx", "3xx", 400, 401, 403, 404, 409, 412, 415, 416, 422, 429]
# It takes a request for a wrong one after a link has given it what is right ("Invalid component: positive test case").
[phases.stateful.checks.negative_data_rejection]
enabled = false
`

for (const [index, store] of [...running.streams.topology.stores.keys()].entries()) {
  await writeFile(join(running.directory, 'schemathesis.toml'), configOf(store))
  const paths = index === 0 ? [] : ['--include-path-regex', '^/v1/stores/']
  for (const [what, options, headers] of SERVERS) await check(store, what, options, [...headers, ...paths])
}

function fail(): never {
  throw new Error('it is put aside')
}

async function check(store: string, what: string, options: ServerOptions, args: readonly string[]): Promise<void> {
  const served = { listen: 0, deadLetters: true, limits: { watches: 0 }, ...options }
  await using server = await serve(running.streams, served)
  console.log(`A server ${what}, and its store ${store}:`)
  const document = `${server.address!.url}/openapi.json`
  const given = ['--max-examples', values.examples, '--seed', values.seed, ...args]
  const command = process.env['SCHEMATHESIS'] ?? 'schemathesis'
  const [code] = await once(
    spawn(command, ['run', document, ...given], { stdio: 'inherit', cwd: running.directory }),
    'exit',
  )
  if (code !== 0) process.exitCode = 1
}
