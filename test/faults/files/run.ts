import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startBroker } from '../../kafka/broker/start-broker.ts'
import { oneOf, wholeNumber } from '../kit/arguments.ts'
import { filesRound } from './round.ts'

// `npm run faults -- files`: one line of JSON.
const { values } = parseArgs({
  args: process.argv.slice(3),
  options: {
    log: { type: 'string', default: 'embedded' },
    rounds: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    lines: { type: 'string', default: '20000' },
    faults: { type: 'string', default: '6' },
  },
})
const kind = oneOf('log', values.log, ['embedded', 'kafka'])
const [rounds, firstSeed] = [wholeNumber('rounds', values.rounds), wholeNumber('seed', values.seed)]
const [lines, faults] = [wholeNumber('lines', values.lines), wholeNumber('faults', values.faults)]

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const broker = kind === 'kafka' ? await startBroker() : undefined
const total = { rounds: 0, kills: 0, renames: 0, truncations: 0, twins: 0, lines: 0, lost: 0, doubled: 0, torn: 0 }
try {
  for (let seed = firstSeed; seed < firstSeed + rounds; seed++) {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-faults-files-'))
    const result = await filesRound({ seed, directory, brokers: broker?.brokers, lines, faults })
    total.rounds++
    total.kills += result.faults.get('kill') ?? 0
    total.renames += result.faults.get('rename') ?? 0
    total.truncations += result.faults.get('copyTruncate') ?? 0
    total.twins += result.faults.get('twin') ?? 0
    total.lines += lines
    total.lost += result.lost
    total.doubled += result.doubled
    total.torn += result.torn
    const isRight = result.lost + result.doubled + result.torn === 0
    if (isRight) rmSync(directory, { recursive: true, force: true })
    else
      console.log(
        `seed ${seed} is wrong, its files are in ${directory}; again: ` +
          `npm run faults -- files --log ${kind} --lines ${lines} --faults ${faults} --rounds 1 --seed ${seed}`,
      )
  }
} finally {
  await broker?.stop()
}
console.log(JSON.stringify({ log: kind, ...total }))
if (total.lost + total.doubled + total.torn > 0) process.exitCode = 1
