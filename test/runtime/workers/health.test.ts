import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { TopicWriter } from 'millrace'
import { expect, test, vi } from 'vitest'
import { kafka } from '../../../src/kafka/index.ts'
import { ManualClock } from '../../../src/platform/manual-clock.ts'
import { HealthMonitor } from '../../../src/runtime/health-monitor.ts'
import { chooseEngine } from '../../../src/engine/choice/choose-engine.ts'
import { openWorkers } from '../../../src/runtime/workers/open-workers.ts'
import { sharedBroker, uniqueName } from '../../kafka/broker/index.ts'
import { held } from './fixtures/held.ts'
import { fixture, until } from './sums-case.ts'

test('a function that holds the event loop of a worker makes the application not alive until it returns', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-held-'))
  const holding = join(directory, 'holding')
  const prefix = `${uniqueName('held')}-`
  vi.stubEnv('TEST_PREFIX', prefix)
  vi.stubEnv('TEST_HOLDING', holding)
  const { app, words } = held(prefix)
  const log = kafka({ brokers: await sharedBroker() })
  await log.createTopics([{ name: words.name, partitions: 1 }])
  const { host } = await openWorkers({
    app,
    topology: app.topology(),
    log,
    module: fixture('held.ts'),
    engine: (await chooseEngine('memory')).factory,
    directory,
    processId: 'process',
    fileMode: 'owner',
    instanceId: undefined,
    endpoint: undefined,
    loopOptions: [],
    onRestore: undefined,
  })
  const listeners = { onState() {}, onRoutes() {}, onShutdownRequest() {}, onFailure: () => 'shutdownClient' as const }
  const thread = await host.open(0, listeners)
  // What observes the threads counts minutes; they live in seconds.
  const clock = new ManualClock()
  const monitor = new HealthMonitor(clock, 0, () => ({ state: 'running', threads: [thread] }))
  const passMinute = (): void => {
    for (let second = 0; second <= 60; second++) clock.advance(1000)
  }
  const running = thread.run()
  try {
    await until(() => thread.state === 'running' && (thread.vitals().loop ?? 0) > 1)
    expect(monitor.health().live.ok).toBe(true)

    writeFileSync(holding, '')
    await using writer = await TopicWriter.open(log, words)
    writer.write('key', 'value')
    await writer.flush()
    await until(() => existsSync(`${holding}-holds`))
    // What it has said before has arrived.
    await setImmediate()
    expect(monitor.health().live.ok).toBe(true)
    passMinute()
    expect(monitor.health().live).toMatchObject({
      ok: false,
      checks: [{ ok: true }, { name: thread.name, message: 'the last turn of its event loop was 61 s ago' }],
    })

    rmSync(holding)
    await until(() => monitor.health().live.ok)
    await until(() => thread.status().processed === 1)
  } finally {
    monitor.stop()
    rmSync(holding, { force: true })
    thread.stop('in order')
    await running
    await host.close()
    await log.close()
    vi.unstubAllEnvs()
    rmSync(directory, { recursive: true })
  }
})
