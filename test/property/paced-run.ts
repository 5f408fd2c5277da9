import { memoryEngine } from '../../src/index.ts'
import type { Application } from '../../src/index.ts'
import { runStepsNow } from '../../src/platform/steps.ts'
import { closeParts, openParts, settleGroup } from '../../src/testing/driver-parts.ts'
import { driverSettings } from '../../src/testing/driver-options.ts'
import type { DriverParts } from '../../src/testing/driver-parts.ts'
import { TestInputTopic, TestOutputTopic } from '../../src/testing/driver-topics.ts'
import type { Input } from '../conformance/scenario.ts'
import type { GeneratedCase } from './generated-case.ts'
import { asTopic, NO_KEY, outputTopics, push, recordLine } from './observe.ts'
import { inputTopic, inputTypes } from './run-on-driver.ts'

export interface Pace {
  /** Number of records between two commits. */
  readonly recordsPerCommit: number
  /** Numbers of the records after which the tasks are closed without a commit, and opened again from the last one. */
  readonly crashes?: readonly number[]
}

/** Runs an application on a log with all input, at this pace. It has one partition. Returns its outputs. */
export function runPaced(
  app: Application,
  generated: Pick<GeneratedCase, 'topology' | 'inputs'>,
  { recordsPerCommit, crashes = [] }: Pace,
): Map<string, string[]> {
  const parts = runStepsNow(openParts(app, driverSettings({ wallClock: 0 }), memoryEngine, ''))
  try {
    feed(parts, generated)
    let processed = 0
    let sinceCommit = 0
    for (;;) {
      parts.globals.poll()
      parts.manager.poll()
      const took = parts.manager.processOne()
      if (took) sinceCommit++
      if (took && crashes.includes(++processed)) {
        crash(parts)
        sinceCommit = 0
      } else if (sinceCommit >= recordsPerCommit || !took) {
        if (!took && !parts.manager.commitNeeded) return outputsOf(parts)
        const outcome = runStepsNow(parts.manager.commit())
        if (outcome !== 'committed') throw new Error(`the commit ended as ${outcome}`)
        sinceCommit = 0
      }
    }
  } finally {
    runStepsNow(closeParts(parts, 'dirty'))
    void parts.log.close()
  }
}

function feed({ feeder, clock }: DriverParts, { topology, inputs }: Pick<GeneratedCase, 'topology' | 'inputs'>): void {
  const types = inputTypes({ topology })
  for (const input of inputs) {
    if ('advanceWallClockMs' in input) continue
    const topic = new TestInputTopic(
      inputTopic(input, types),
      feeder,
      1,
      () => clock.now(),
      () => {},
      {},
    )
    topic.pipe(input.key, input.value, { timestamp: input.timestamp, headers: input.headers ?? [] })
  }
  void feeder.flush()
}

function crash({ manager, client }: DriverParts): void {
  const owned = manager.owned
  runStepsNow(manager.closeDirty())
  runStepsNow(manager.assign(owned))
  runStepsNow(settleGroup(client, manager))
}

function outputsOf({ topology, log }: DriverParts): Map<string, string[]> {
  const outputs = new Map<string, string[]>()
  for (const output of outputTopics(topology)) {
    for (const record of new TestOutputTopic(asTopic(output), log.openReader(), 1).readAll()) {
      push(outputs, `${output.name}/${record.key === null ? NO_KEY : 0}`, recordLine(record))
    }
  }
  for (const [name, lines] of outputs) if (name.endsWith(NO_KEY)) lines.sort()
  return outputs
}

/** Makes the input one whose order is certain if a log has all of it: tasks that read several topics go by time. */
export function preparedInputs(generated: GeneratedCase, severalInputs: boolean): Input[] {
  const globals = new Set(
    generated.topology.flatMap(({ op, topic }) => (op === 'globalTable' && topic !== undefined ? [topic] : [])),
  )
  const records = generated.inputs.filter((input) => !('advanceWallClockMs' in input))
  const isGlobal = (input: Input): boolean => 'topic' in input && globals.has(input.topic)
  const ordered = [...records.filter(isGlobal), ...records.filter((input) => !isGlobal(input))]
  if (!severalInputs) return ordered
  let time = -1
  return ordered.map((input) => {
    if ('advanceWallClockMs' in input || isGlobal(input)) return input
    time = Math.max(time + 1, input.timestamp)
    return { ...input, timestamp: time }
  })
}
