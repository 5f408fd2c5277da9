/**
 * Records per second and CPU of one stream thread: W2 (totals of 10,000 accounts) and the payments example, on the
 * memory log, the embedded log and, with BOOTSTRAP=host:port, on Kafka. Reports; asserts nothing but that the totals
 * are right. CPU is that of the whole process from the start of the application to its close, a Kafka broker's
 * excepted.
 *
 * How much a commit has to write per record depends on how many records were processed since the last one. On a machine
 * that does other work at the same time, `--cpu-clock` gives the figures of a free core: commit intervals are then
 * measured in the process's own CPU time. With `--scrape` metrics are read once a second, which also has nodes timed.
 *
 *     npm run bench:core -- [--records N] [--only w2|payments] [--log memory|embedded|kafka] [--cpu-clock] [--scrape]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chooseEngine, embeddedLog, memoryEngine, memoryLog, Streams, type Application, type Log } from 'millrace'
import { kafka } from 'millrace/kafka'
import type { PartitionMap } from '../../src/log/log.ts'
import { exposition } from '../../src/metrics/exposition.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { cpuClock } from './cpu-clock.ts'
import { fill, partitionsOf, paymentsWorkload, w2Workload, type Workload } from './workloads.ts'

const { values: options } = parseArgs({
  options: {
    records: { type: 'string', default: '500000' },
    only: { type: 'string' },
    log: { type: 'string' },
    'cpu-clock': { type: 'boolean', default: false },
    scrape: { type: 'boolean', default: false },
  },
})
const RECORDS = Number(options.records)

const clock = options['cpu-clock'] ? cpuClock : systemClock

/** By key, of what was written behind `starts`. */
async function lastValues(log: Log, name: string, starts: PartitionMap<number>): Promise<Map<string, string>> {
  const reader = log.openReader()
  const partitions = partitionsOf(name)
  const ends = await log.listOffsets(partitions, 'latest')
  for (const { partition } of partitions) reader.assign(name, partition, starts.get(name, partition) ?? 0)
  const last = new Map<string, string>()
  const behind = (): boolean =>
    partitions.some(({ partition }) => (reader.position(name, partition) ?? 0) < (ends.get(name, partition) ?? 0))
  while (behind()) {
    reader.poll((_topic, _partition, cursor) => {
      while (cursor.next()) {
        const key = cursor.buffer.toString('utf8', cursor.keyStart, cursor.keyEnd)
        last.set(key, cursor.buffer.toString('utf8', cursor.valueStart, cursor.valueEnd))
      }
    })
    await new Promise((resolve) => setImmediate(resolve))
  }
  await reader.close()
  return last
}

async function drained(streams: Streams, processed: number): Promise<void> {
  while (streams.status().processed < processed) {
    if (streams.state === 'error') return await streams.closed
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

async function measure(workload: Workload, place: 'memory' | 'embedded' | 'kafka'): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'millrace-bench-'))
  const id = `${workload.app.id}-${process.pid}-${Date.now()}`
  const log: Log =
    place === 'memory'
      ? memoryLog()
      : place === 'embedded'
        ? await embeddedLog({ directory: join(directory, 'log') })
        : kafka({ brokers: process.env['BOOTSTRAP'] ?? '' })
  try {
    await fill(log, workload, RECORDS)
    const engine = place === 'memory' ? memoryEngine : (await chooseEngine()).factory
    const app: Application = {
      ...workload.app,
      id,
      settings: workload.app.settings,
      topology: () => workload.app.topology(),
    }
    const before = await log.listOffsets(partitionsOf(workload.verified), 'latest')
    globalThis.gc?.()
    const started = performance.now()
    const cpu = process.cpuUsage()
    const streams = await Streams.start(app, { log, engine, stateDirectory: join(directory, 'state'), clock })
    const scrapes = options.scrape
      ? setInterval(() => [...exposition(streams.metrics(), 'prometheus')], 1000)
      : undefined
    await drained(streams, workload.steps * RECORDS)
    clearInterval(scrapes)
    await streams.close()
    const seconds = (performance.now() - started) / 1000
    const used = process.cpuUsage(cpu)
    const right = workload.verify(await lastValues(log, workload.verified, before), RECORDS)
    const perRecord = (used.user + used.system) / RECORDS
    console.log(
      `${workload.name.padEnd(20)} ${place.padEnd(9)} ` +
        `${String(Math.round(RECORDS / seconds / 1000)).padStart(5)} k records/s  ` +
        `${perRecord.toFixed(2).padStart(6)} µs CPU a record  ${Math.round(process.memoryUsage.rss() / 1e6)} MB  ` +
        (right ? 'totals right' : 'TOTALS WRONG'),
    )
    if (!right) process.exitCode = 1
  } finally {
    await log.close()
    await rm(directory, { recursive: true, force: true })
  }
}

for (const place of ['memory', 'embedded', 'kafka'] as const) {
  if (options.log !== undefined && options.log !== place) continue
  if (place === 'kafka' && process.env['BOOTSTRAP'] === undefined) continue
  for (const workload of [w2Workload, paymentsWorkload]) {
    if (options.only !== undefined && !workload.name.toLowerCase().startsWith(options.only)) continue
    await measure(workload, place)
  }
}
