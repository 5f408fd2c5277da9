import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Streams } from 'millrace'
import type { Log, RestoreProgress } from 'millrace'
import { PARTITIONS, TotalsCase } from './restore-app.ts'

/** A log, and how another process opens it. */
export interface RestorePlace {
  readonly kind: 'embedded' | 'kafka'
  /** Directory or brokers. */
  readonly address: string
  readonly prefix: string
  open(): Promise<Log>
}

/** Tests what restoring promises on every durable log. State is in RocksDB. */
export function restorePromises(newPlace: () => Promise<RestorePlace>): void {
  let stateDirectory: string
  let place: RestorePlace
  let totals: TotalsCase

  beforeEach(async () => {
    stateDirectory = await mkdtemp(join(tmpdir(), 'millrace-restore-'))
    place = await newPlace()
    totals = new TotalsCase(await place.open(), place.prefix)
    await totals.createTopics()
  })

  afterEach(async () => {
    await totals.log.close()
    await rm(stateDirectory, { recursive: true, force: true })
  })

  /** Runs the application until nothing is left to do, closes it, and returns what was restored, by partition. */
  async function run(): Promise<RestoreProgress[]> {
    const restored: RestoreProgress[] = []
    const streams = await Streams.start(totals.app, {
      log: totals.log,
      engine: 'rocksdb',
      stateDirectory,
      onRestore: (event, progress) => event === 'end' && restored.push(progress),
    })
    while (streams.state !== 'error' && streams.status().tasks.length < PARTITIONS) await setTimeout(10)
    await totals.allShown(AbortSignal.timeout(40_000))
    await streams.close()
    return restored.toSorted((a, b) => a.partition - b.partition)
  }

  /** Runs it in another process, which dies by SIGKILL after its first commit and before its checkpoint. */
  async function runAndDie(): Promise<void> {
    const script = join(import.meta.dirname, 'die-before-checkpoint.ts')
    const args = [script, place.kind, place.address, place.prefix, stateDirectory]
    const child = spawn(process.execPath, ['--conditions=millrace-source', ...args], {
      stdio: ['ignore', 'inherit', 'inherit'],
      env: { ...process.env, NODE_OPTIONS: '' },
    })
    expect(await once(child, 'close')).toEqual([null, 'SIGKILL'])
  }

  test('a state directory that was deleted is restored from the changelog, and totals go on from there', async () => {
    await totals.pay(1000)
    expect(await run()).toEqual([])
    await rm(stateDirectory, { recursive: true })
    await totals.pay(500)
    const ends = await totals.changelogEnds()
    expect(await run()).toMatchObject(ends.map((end, partition) => ({ partition, from: 0, end })))
    expect(await totals.shownTotals()).toEqual(totals.expectedTotals())
  })

  test('an application that was closed in good order restores nothing', async () => {
    await totals.pay(1000)
    await run()
    await totals.pay(500)
    expect(await run()).toEqual([])
    expect(await totals.shownTotals()).toEqual(totals.expectedTotals())
  })

  test('after kill -9 between a commit and its checkpoint only the tail of the changelog is read', async () => {
    await totals.pay(1000)
    await run()
    const checkpoints = await totals.changelogEnds()
    await totals.pay(500)
    await totals.log.close()
    await runAndDie()
    totals.log = await place.open()

    // That commit need not have included all partitions.
    const ends = await totals.changelogEnds()
    const tails = ends
      .map((end, partition) => ({ partition, from: checkpoints[partition] ?? 0, end }))
      .filter(({ from, end }) => end > from)
      .map((tail) => ({ ...tail, records: tail.end - tail.from }))
    expect(tails).not.toEqual([])
    expect(await run()).toMatchObject(tails)
    expect(await totals.shownTotals()).toEqual(totals.expectedTotals())
    await totals.pay(500)
    expect(await run()).toEqual([])
    expect(await totals.shownTotals()).toEqual(totals.expectedTotals())
  })
}
