import { parseArgs } from 'node:util'
import { embeddedLog, parseDuration, readTopic, Streams } from 'millrace'
import { connectors } from 'millrace/connect'
import { createTopics } from '../kit/topics.ts'
import app from './app.ts'
import files from './connect.ts'
import { inZone, positions, sentences, vessels, voyages } from './topics.ts'

// Prints who comes into the zone, moves there and leaves it, until it is interrupted.
const { values } = parseArgs({
  options: { for: { type: 'string' }, data: { type: 'string', default: '.millrace/ais' } },
})
const ending = new AbortController()
process.once('SIGINT', () => ending.abort()).once('SIGTERM', () => ending.abort())
if (values.for !== undefined) setTimeout(() => ending.abort(), parseDuration(values.for, '--for')).unref()

const log = await embeddedLog({ directory: `${values.data}/log` })
await createTopics(log, [sentences, positions], [voyages, vessels, inZone])
const streams = await Streams.start(app, {
  log,
  stateDirectory: `${values.data}/state`,
  companions: [connectors(files)],
})
for await (const { key, value } of readTopic(log, inZone, { signal: ending.signal })) {
  if (value === null) console.log(`${key} has left`)
  else console.log(`${key} ${value.lat.toFixed(4)} ${value.lon.toFixed(4)} ${value.knots} kn ${value.name ?? ''}`)
}
await streams.close()
await log.close()
