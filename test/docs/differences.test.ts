import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { root } from './snippets.ts'

/** Where the code asks for the compatible answer, and the numbers of the differences on the page that come of it. */
const DECISIONS: Readonly<Record<string, readonly number[]>> = {
  'dsl/handles/materialization.ts': [1, 4],
  'dsl/nodes/grouping.ts': [5],
  'dsl/nodes/join-foreign-key.ts': [17],
  'dsl/nodes/join-streams.ts': [19],
  'dsl/nodes/join-tables.ts': [17],
  'operators/aggregate/aggregate.ts': [6],
  'operators/observed-time.ts': [9],
  'operators/process/process.ts': [27],
  'operators/window/session-aggregate.ts': [1, 7],
  'operators/join/shared-unmatched.ts': [10, 20],
  'operators/window/sliding-aggregate.ts': [14],
  'operators/join/stream-join.ts': [19],
  'operators/join/stream-self-join.ts': [12, 19],
  'operators/join/stream-table-join.ts': [11],
  'operators/suppress/suppress.ts': [3],
  'operators/table/table-store.ts': [22],
  'operators/window/time-window-operator.ts': [6, 22],
  'operators/window/windowed-operator.ts': [1, 2],
  'operators/process/user-context.ts': [27],
  'runtime/node/punctuation.ts': [24],
  'runtime/task/task-wiring.ts': [26, 27],
  'runtime/task/processing.ts': [13],
  'state/buffers/loaded-store.ts': [16],
  'state/buffers/suppress-store.ts': [8],
  'state/entries/entry-store.ts': [25],
  'state/window/timed-entry-store.ts': [4, 15, 19, 21, 23],
  'state/window/window-entry-store.ts': [1, 16],
  'topology/graph/merge-repartitions.ts': [18],
  'topology/graph/self-joins.ts': [12],
}

/** These hand the switch on, or read it from the configuration. */
const CARRIERS = [
  'dsl/app.ts',
  'operators/operator.ts',
  'runtime/thread/global-tables.ts',
  'runtime/node/task-context.ts',
  'runtime/thread/task-opening.ts',
  'state/environment.ts',
  'application/application.ts',
  'topology/build-settings.ts',
]

/** These refuse under compatibility what Kafka Streams does not have. */
const REFUSALS = ['dsl/options/check-windows.ts']

const page = readFileSync(join(root, 'docs/differences.md'), 'utf8')

test('every place in the code that answers differently under compatibility belongs to a difference on the page', () => {
  const asking = readdirSync(join(root, 'src'), { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.ts') && /\bcompatible\b/.test(codeOf(file)))
  expect(asking.toSorted()).toEqual([...Object.keys(DECISIONS), ...CARRIERS, ...REFUSALS].toSorted())
})

test('every difference in the table has its program, which is run in both ways', () => {
  const rows = [...page.matchAll(/^\| \[(\d+)\]\(#/gm)].map((match) => Number(match[1]))
  const sections = page.split(/^## (?=\d+\. )/m).slice(1)
  expect(sections.map((section) => Number.parseInt(section, 10))).toEqual(rows)
  expect([...new Set(Object.values(DECISIONS).flat())].toSorted((a, b) => a - b)).toEqual(rows)
  for (const section of sections) {
    const outputs = [...section.matchAll(/```text\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
    expect(outputs).not.toEqual([])
    for (const output of outputs) {
      const [compatible = '', own = ''] = output.split('default:\n')
      expect(own).not.toBe('')
      expect(compatible).not.toBe(`kafka-streams-4.3:\n${own}`)
    }
  }
})

/** Without comments. */
function codeOf(file: string): string {
  return readFileSync(join(root, 'src', file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
}
