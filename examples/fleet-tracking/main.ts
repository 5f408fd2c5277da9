import { join } from 'node:path'
import { readTopic } from 'millrace'
import { runDemo } from '../kit/demo.ts'
import { feed } from '../kit/generator.ts'
import { readAll } from '../kit/read-all.ts'
import { createTopics } from '../kit/topics.ts'
import app from './app.ts'
import { positionGenerator, vehicleGenerator } from './generator.ts'
import { alerts, minutes, positions, trucks, vehicles } from './topics.ts'
import { FleetView } from './view.ts'

const TRUCKS = 20
const view = new FleetView()

await runDemo({
  app,
  view,
  rate: 200,
  page: { name: 'map', source: join(import.meta.dirname, 'page') },
  question: '/v1/stores/trucks/entries/truck-001',
  async prepare(log, { seed, signal }) {
    await createTopics(log, [positions, alerts, minutes], [vehicles, trucks])
    // The register is complete before the first truck reports.
    await feed(log, vehicleGenerator({ seed, trucks: TRUCKS }), { rate: 10_000, count: TRUCKS, signal })
  },
  feed: (log, { rate, seed, signal }) => feed(log, positionGenerator({ seed, trucks: TRUCKS }), { rate, signal }),
  watch: (log, signal) =>
    Promise.all([
      readAll(readTopic(log, trucks, { signal }), (record) => view.onStatus(record)),
      readAll(readTopic(log, minutes, { signal }), (record) => view.onMinute(record)),
      readAll(readTopic(log, alerts, { signal }), (record) => view.onAlert(record)),
    ]),
})
