import { TracerProvider } from '@opentelemetry/sdk-trace'
import { Headers } from '../../src/record/headers.ts'
import { RecordContext } from '../../src/record/record-context.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { TaskTraces } from '../../src/runtime/traces/task-traces.ts'
import { tracing } from '../../src/opentelemetry/index.ts'

// Nanoseconds that an application with a tracer adds to a record which is processed, writes a row and is written to a
// topic: without headers, with a trace that is not sampled, and with one that is (two spans, which are not exported).

const ROUNDS = 9
const tracer = new TracerProvider().getTracer('bench')
const record = new RecordContext()
const traces = new TaskTraces(tracing(tracer), { group: 'bench', task: '0_0', log: 'memory' }, systemClock, record)
const row = { traced: false }
const context = `00-${'a'.repeat(32)}-${'b'.repeat(16)}`

const cases = { none: undefined, 'not sampled': Buffer.from(`${context}-00`), sampled: Buffer.from(`${context}-01`) }
let sink = 0

/** What the runtime does for each record. @param isTraced false: without a tracer */
function step(headers: Headers, offset: number, isTraced: boolean): void {
  record.set('bench', 0, offset, offset, headers)
  if (!isTraced) {
    sink += headers.length
    return
  }
  const own = headers.length === 0 ? undefined : traces.begin('bench', 0, offset, headers)
  if (own !== undefined) record.headers = own
  const act = (): void => {
    traces.wrote(row)
    sink += record.headers.length === 0 ? 0 : traces.written('results', 'sink', record.headers).length
  }
  if (own === undefined) act()
  else traces.process(act)
}

function measure(value: Buffer | undefined, isTraced: boolean, records: number): number {
  const empty = new Headers()
  const start = process.hrtime.bigint()
  for (let offset = 0; offset < records; offset++) {
    step(value === undefined ? empty : new Headers().add('traceparent', value), offset, isTraced)
  }
  return Number(process.hrtime.bigint() - start) / records
}

const median = (times: readonly number[]): number => times.toSorted((a, b) => a - b)[times.length >> 1] as number

for (const [name, value] of Object.entries(cases)) {
  const records = name === 'sampled' ? 20_000 : 1_000_000
  const added = Array.from({ length: ROUNDS }, () => measure(value, true, records) - measure(value, false, records))
  console.log(`headers: ${name.padEnd(12)} ${median(added).toFixed(1).padStart(9)} ns a record`)
}
if (sink < 0) throw new Error('unreachable')
