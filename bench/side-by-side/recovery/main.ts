/**
 * How soon an application is back after a crash: W2 is killed half-way (SIGKILL) and started again at once, on the same
 * disk, on an empty one, and on an empty one under a name of its own (`instanceId`). Groups have the session timeouts
 * that brokers give them by default.
 *
 *     npm run bench:recovery -- [--guarantee alos|eos] [--disk same|empty] [--instance-id] [--records N] [--accounts N]
 *                               [--commit-interval MS] [--only millrace|java] [--runs N] [--java KEY=VALUE[,…]]
 *
 * Under `eos` the totals must be exact at the end; under `alos` nothing may be lost, and what is counted twice is
 * counted: with commits each 30 s, the default, the killed process may have committed nothing at all. Kafka Streams
 * runs with its default group protocol, `classic`, where `group.instance.id` is its `instanceId`. With `--java
 * group.protocol=streams` it has none (it refuses to start with one), and the case is left out.
 */
import { parseArgs } from 'node:util'
import { javaClassPath } from '../rig/java.ts'
import { markdownTable } from '../rig/markdown-table.ts'
import { onBroker } from '../rig/on-broker.ts'
import { recoveryRound, type Recovery, type RecoveryCase } from './recovery-round.ts'
import { sidesOf, type Side } from '../rig/side.ts'

const { values: options } = parseArgs({
  options: {
    guarantee: { type: 'string' },
    disk: { type: 'string' },
    'instance-id': { type: 'boolean', default: false },
    records: { type: 'string', default: '1000000' },
    accounts: { type: 'string', default: '1000000' },
    'commit-interval': { type: 'string' },
    only: { type: 'string' },
    runs: { type: 'string', default: '1' },
    java: { type: 'string', default: '' },
  },
})

/** ms that a process may take until its first record, besides the restore, if its group knows it again. */
const PROMISED = 2000

const records = Number(options.records)
const accounts = Number(options.accounts)
const runs = Number(options.runs)
const isStreamsProtocol = options.java.includes('group.protocol=streams')
const sides = sidesOf(options.only)
const cases = sides.flatMap(casesOf)
if (cases.length === 0 || !(records > 1) || !(accounts > 0) || !(runs > 0)) throw new Error('nothing to run')

const rows: string[][] = []
await onBroker(async (place) => {
  const settings = options.java
  const interval = options['commit-interval']
  const commitInterval = interval === undefined ? undefined : Number(interval)
  const classPath = sides.includes('java') ? await javaClassPath(place.directory) : ''
  for (let run = 0; run < runs; run++) {
    for (const each of cases) {
      const recovery = await recoveryRound(place, each, {
        records,
        accounts,
        commitInterval,
        java: { classPath, settings },
      })
      if (recovery.fault !== undefined) process.exitCode = 1
      const row = rowOf(each, recovery)
      rows.push(row)
      console.log(row.join('  '))
    }
  }
})
const columns = [
  'side',
  'guarantee',
  'disk',
  'named',
  'ms to first record',
  'ms to running',
  'restored',
  'restore ms',
  'restored/s',
  'processed again',
  'counted twice',
  'totals',
  'promise',
]
console.log(`\n${markdownTable(columns, rows)}`)

function casesOf(side: Side): RecoveryCase[] {
  const found: RecoveryCase[] = []
  for (const guarantee of ['alos', 'eos'] as const) {
    for (const disk of ['same', 'empty'] as const) {
      for (const named of [false, true]) {
        if ((options.guarantee ?? guarantee) !== guarantee || (options.disk ?? disk) !== disk) continue
        // A disk that was kept has kept the name, too.
        if (options['instance-id'] ? !named : named && disk === 'same') continue
        if (side === 'java' && named && isStreamsProtocol) continue
        found.push({ side, guarantee, disk, named })
      }
    }
  }
  return found
}

function rowOf({ side, guarantee, disk, named }: RecoveryCase, recovery: Recovery): string[] {
  const { firstAfter, runningAfter, restored, restoreTime, processedAgain, countedTwice, fault } = recovery
  const isPromised = side === 'millrace' && (disk === 'same' || named)
  return [
    side,
    guarantee,
    disk,
    named ? 'yes' : 'no',
    String(firstAfter),
    String(runningAfter),
    String(restored),
    String(restoreTime),
    restored === 0 ? '-' : String(Math.round((restored / restoreTime) * 1000)),
    String(processedAgain),
    String(countedTwice),
    fault === undefined ? (countedTwice === 0 ? 'exact' : 'nothing lost') : `VOID: ${fault}`,
    isPromised ? (firstAfter <= PROMISED + restoreTime ? 'kept' : 'BROKEN') : '-',
  ]
}
