import { embeddedLog, Streams } from '../../src/index.ts'
import type { Log } from '../../src/index.ts'
import { TestInputTopic, TestOutputTopic } from '../../src/testing/driver-topics.ts'
import type { GeneratedCase } from './generated-case.ts'
import { asTopic, NO_KEY, outputTopics, push, recordLine } from './observe.ts'
import { caseApp, inputTopic, inputTypes } from './run-on-driver.ts'

/** Time in ms that an application may take for a few dozen records on a busy machine. */
const PATIENCE = 20_000

/**
 * Runs a case with `Streams` on the embedded log, which has all input at the start. Closes it when there are `expected`
 * records in its output topics.
 */
export async function runEmbedded(
  generated: GeneratedCase,
  {
    directory,
    partitions,
    expected,
  }: { readonly directory: string; readonly partitions: number; readonly expected: number },
): Promise<Map<string, string[]>> {
  const log = await embeddedLog({ directory: `${directory}/log`, fsync: false })
  try {
    const app = caseApp(generated, { guarantee: 'exactly_once', commitInterval: 2 })
    const types = inputTypes(generated)
    const outputs = outputTopics(app.topology())
    const names = new Set([...types.keys(), ...outputs.map(({ name }) => name)])
    await log.createTopics([...names].map((name) => ({ name, partitions })))
    await feed(log, generated, partitions)
    const readers = outputs.map((output) => ({
      name: output.name,
      topic: new TestOutputTopic(asTopic(output), log.openReader(), partitions),
    }))
    const streams = await Streams.start(app, { log, stateDirectory: `${directory}/state` })
    const deadline = Date.now() + PATIENCE
    const isComplete = (): boolean =>
      readers.reduce((sum, { topic }) => sum + topic.size, 0) >= expected && streams.status().lag === 0
    while (!isComplete() && streams.state !== 'error' && Date.now() < deadline)
      await new Promise((wake) => setTimeout(wake, 2))
    await streams.close()
    const lines = new Map<string, string[]>()
    for (const { name, topic } of readers) {
      for (const record of topic.readAll())
        push(lines, `${name}/${record.key === null ? NO_KEY : record.partition}`, recordLine(record))
    }
    for (const [name, list] of lines) if (name.endsWith(NO_KEY)) list.sort()
    return lines
  } finally {
    await log.close()
  }
}

async function feed(log: Log, generated: GeneratedCase, partitions: number): Promise<void> {
  const producer = log.openProducer()
  const types = inputTypes(generated)
  for (const input of generated.inputs) {
    if ('advanceWallClockMs' in input) continue
    const topic = new TestInputTopic(
      inputTopic(input, types),
      producer,
      partitions,
      () => 0,
      () => {},
      {},
    )
    topic.pipe(input.key, input.value, { timestamp: input.timestamp, headers: input.headers ?? [] })
  }
  await producer.flush()
  await producer.close()
}
