import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Log } from '../../../src/index.ts'
import { kafka } from '../../../src/kafka/index.ts'
import { buildRunner } from './built-runner.ts'
import { startBenchBroker, type BenchBroker } from './broker.ts'

/** Where a benchmark runs; gone when it ends, however it ends. */
export interface BenchPlace {
  readonly directory: string
  readonly broker: BenchBroker
  readonly log: Log
}

/** @param settings of the broker, beside those that all benchmarks have */
export async function onBroker(
  run: (place: BenchPlace) => Promise<void>,
  settings: Readonly<Record<string, string>> = {},
): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-side-by-side-'))
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }))
  // Ending by `exit` lets the broker and the runners be ended, too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
  await buildRunner()
  const broker = await startBenchBroker(join(directory, 'broker'), settings)
  const log = kafka({ brokers: broker.brokers })
  try {
    await run({ directory, broker, log })
  } finally {
    await log.close()
    await broker.stop()
  }
}
