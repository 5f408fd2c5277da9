import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { defineSink, fileSink, fileSource } from 'millrace/connect'
import type { SinkSpec } from '../../../src/connect/definition/sink.ts'
import type { SinkUnderTest } from '../sink-conformance.ts'
import type { SourceUnderTest } from '../source-conformance.ts'

const SOON = { retry: { backoff: 1, maxBackoff: 5 }, commitInterval: 5 } as const

function directoryOfTest(): string {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-files-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

/** Four files, one of which grows. */
export function files(): SourceUnderTest {
  const directory = directoryOfTest()
  const values: string[] = []
  const add = (name: string, count: number): void => {
    const lines = Array.from({ length: count }, (_, index) => `${name} ${values.length + index}`)
    values.push(...lines)
    appendFileSync(join(directory, name), lines.map((line) => `${line}\n`).join(''))
  }
  for (const name of ['north.txt', 'south.txt', 'east.txt', 'west.txt']) add(name, 7)
  return {
    source: (target) =>
      fileSource({
        name: 'files',
        path: join(directory, '*.txt'),
        topic: target,
        topicOptions: { partitions: 2 },
        pollInterval: 5,
        ...SOON,
      }),
    tasks: 1,
    feed: () => add('north.txt', 4),
    get all() {
      return values.toSorted()
    },
  }
}

/** A file for each partition. */
export function writtenFiles(): SinkUnderTest {
  const directory = directoryOfTest()
  let failing: 'before' | 'after' | undefined
  const failIf = (when: 'before' | 'after'): void => {
    if (failing !== when) return
    failing = undefined
    throw new Error(`failing ${when} a batch`)
  }
  return {
    sink: (from) => {
      const path = join(directory, 'out.txt')
      const sink = fileSink({
        name: 'out',
        topics: [from],
        path,
        perPartition: true,
        maxRecords: 3,
        ...SOON,
      }) as SinkSpec
      return defineSink<unknown, unknown>({
        name: sink.name,
        guarantee: sink.guarantee,
        retry: sink.retry,
        commitInterval: sink.commitInterval,
        maxRecords: sink.maxRecords,
        topics: sink.topics,
        open: async (assignment) => {
          const open = await sink.open(assignment)
          return {
            offsets: open.offsets!,
            close: () => open.close?.(),
            async write(batch) {
              failIf('before')
              await open.write(batch)
              failIf('after')
            },
          }
        },
      })
    },
    failOnce: (when) => (failing = when),
    get rows() {
      const names = readdirSync(directory).filter((name) => /^out-.*\.txt$/.test(name))
      return names.flatMap((name) => readFileSync(join(directory, name), 'utf8').split('\n').slice(0, -1)).toSorted()
    },
  }
}
