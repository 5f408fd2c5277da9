import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Topic } from 'millrace'
import { defineSource, type Connector, type SourceConfig } from 'millrace/connect'
import type { SourceSpec } from '../../src/connect/definition/source.ts'
import type { Log } from '../../src/log/log.ts'
import { until } from '../server/support.ts'
import { faulty, fresh, only, run, textTopic, valuesOf, type Fate, type LosablePlace, type LogPlace } from './kit.ts'

/** A source under test, and the system that it reads. */
export interface SourceUnderTest {
  /** Makes the source. Called for each instance. */
  source(target: Topic<string, string>): Connector
  /** Number of its tasks. */
  readonly tasks: 1 | 2
  /** Lets the system have more. */
  feed(): void
  /** Every value that the source must have written, sorted. */
  readonly all: readonly string[]
}

type AnySource = SourceConfig<unknown, unknown, unknown>

/** The same source, with parts of its own. */
function changed(source: Connector, parts: (spec: SourceSpec) => Partial<AnySource>): Connector {
  const { kind: _kind, guarantee: _guarantee, ...spec } = source as SourceSpec
  const { topicOptions, committed, transform, ...rest } = spec
  return defineSource({
    ...rest,
    ...(topicOptions === undefined ? {} : { topicOptions }),
    ...(committed === undefined ? {} : { committed }),
    ...(transform === undefined ? {} : { transform }),
    ...parts(source as SourceSpec),
  } as AnySource)
}

class Crash extends Error {}

/** A source that fails for good after its `count`th batch, without committing what it has. */
function crashing(source: Connector, count: number): Connector {
  let left = count
  return changed(source, (spec) => ({
    retry: { ...spec.retry, retryOn: (error) => !(error instanceof Crash) },
    commitInterval: 0,
    async *read(context) {
      for await (const batch of spec.read(context)) {
        yield batch
        if (--left <= 0) throw new Crash()
      }
    },
  }))
}

/** The promises that every source keeps, on whatever log. */
export function sourceConformance(what: string, openPlace: () => Promise<LogPlace>, make: () => SourceUnderTest): void {
  describe(`a source: ${what}`, () => {
    let place: LogPlace
    let log: Log
    beforeAll(async () => {
      place = await openPlace()
      log = await place.open()
    })
    afterAll(async () => place.close())

    test('writes everything that there is once, and ends', async () => {
      const [under, target, id] = [make(), textTopic(), fresh('all')]
      const running = await run(id, [under.source(target)], { log, untilEnd: true })
      await running.closed
      expect(await valuesOf(log, target)).toEqual(under.all)
      expect(only(running)).toMatchObject({ state: 'done', records: under.all.length, redone: 0 })
    })

    test('writes what comes later, and goes on where it was after a restart', async () => {
      const [under, target, id] = [make(), textTopic(), fresh('later')]
      for (let restart = 0; restart < 3; restart++) {
        await using running = await run(id, [under.source(target)], { log })
        under.feed()
        await until(() => only(running).records > 0)
      }
      await (
        await run(id, [under.source(target)], { log, untilEnd: true })
      ).closed
      expect(await valuesOf(log, target)).toEqual(under.all)
    })

    test('neither loses nor doubles a record when it dies at any batch', async () => {
      const [under, target, id] = [make(), textTopic(), fresh('dies')]
      let crashes = 0
      for (let batch = 1; batch < 50; batch++) {
        const running = await run(id, [crashing(under.source(target), batch)], { log, untilEnd: true })
        const end = await running.closed.catch((error: unknown) => error)
        if (end === undefined) break
        expect(end).toBeInstanceOf(Crash)
        crashes++
      }
      expect(crashes).toBeGreaterThan(1)
      expect(await valuesOf(log, target)).toEqual(under.all)
    })

    test('is handed over between instances, back and forth, in the middle of reading', async () => {
      const [under, target, id] = [make(), textTopic(), fresh('handed')]
      const first = await run(id, [under.source(target)], { log })
      await until(() => only(first).tasks.length === under.tasks)
      const second = await run(id, [under.source(target)], { log: await place.open() })
      under.feed()
      const alone = under.tasks === 1 ? 0 : 1
      await until(() => Math.min(only(first).tasks.length, only(second).tasks.length) === alone)
      under.feed()
      await first.close()
      under.feed()
      await until(() => only(second).tasks.length === under.tasks)
      await second.close()
      await (
        await run(id, [under.source(target)], { log, untilEnd: true })
      ).closed
      expect(await valuesOf(log, target)).toEqual(under.all)
    })

    test('commits nothing more once another process has taken its name', async () => {
      const [under, target, id] = [make(), textTopic(), fresh('twin')]
      const zombie = await run(id, [under.source(target)], { log, instanceId: 'twin' })
      await until(() => only(zombie).state === 'running')
      const other = await run(id, [under.source(target)], {
        log: await place.open(),
        instanceId: 'twin',
        untilEnd: true,
      })
      under.feed()
      await expect(zombie.closed).rejects.toMatchObject({ code: 'MR_FENCED' })
      await other.closed
      await (
        await run(id, [under.source(target)], { log, instanceId: 'twin', untilEnd: true })
      ).closed
      expect(await valuesOf(log, target)).toEqual(under.all)
    })

    test('is paused in all instances, stays so over a restart, and goes on where it was', async () => {
      const [under, target, id] = [make(), textTopic(), fresh('paused')]
      const first = await run(id, [under.source(target)], { log })
      await until(() => only(first).records > 0)
      await first.pause(only(first).name)
      await until(() => only(first).state === 'paused')
      expect(await log.groupMembers(`${id}-${only(first).name}`)).toEqual([])
      await first.close()
      const before = await valuesOf(log, target)
      const second = await run(id, [under.source(target)], { log: await place.open() })
      under.feed()
      expect(only(second).state).toBe('paused')
      await second.resume(only(second).name)
      await until(() => only(second).records > 0)
      await second.close()
      await (
        await run(id, [under.source(target)], { log, untilEnd: true })
      ).closed
      expect(before.length).toBeLessThan(under.all.length)
      expect(await valuesOf(log, target)).toEqual(under.all)
    })

    test('writes everything once, whatever becomes of its commits', async () => {
      const fates: Fate[] = ['commit, unknown', 'abort', 'abort, unknown', 'commit', 'abort', 'commit, unknown']
      const [under, target, id] = [make(), textTopic(), fresh('unknown')]
      const running = await run(id, [under.source(target)], { log: faulty(log, fates) })
      while (fates.length > 0) {
        const left = fates.length
        under.feed()
        await until(() => fates.length < left)
      }
      await until(() => only(running).redone === 5 && only(running).state === 'running')
      await running.close()
      await (
        await run(id, [under.source(target)], { log, untilEnd: true })
      ).closed
      expect(await valuesOf(log, target)).toEqual(under.all)
    })
  })
}

/** What a source does when its group gives it up: on logs that can be made to. */
export function lostMembership(
  what: string,
  openPlace: () => Promise<LosablePlace>,
  make: () => SourceUnderTest,
): void {
  test(`a source: ${what}: goes back to the last commit when the group has given it up`, async () => {
    const place = await openPlace()
    const log = await place.open()
    const [under, target, id] = [make(), textTopic(), fresh('lost')]
    const running = await run(id, [under.source(target)], { log, instanceId: 'one' })
    for (let loss = 0; loss < 3; loss++) {
      await until(() => only(running).state === 'running')
      under.feed()
      place.endSession(`${id}-${only(running).name}-one`)
    }
    await until(() => only(running).tasks.length === under.tasks)
    await running.close()
    await (
      await run(id, [under.source(target)], { log, untilEnd: true })
    ).closed
    expect(await valuesOf(log, target)).toEqual(under.all)
    await place.close()
  })
}
