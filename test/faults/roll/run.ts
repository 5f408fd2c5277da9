import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startBroker } from '../../kafka/broker/index.ts'
import { oneOf, wholeNumber } from '../kit/arguments.ts'
import { roll } from './roll.ts'

const { values } = parseArgs({
  options: {
    rolls: { type: 'string', default: '6' },
    'group-protocol': { type: 'string' },
  },
})
const rolls = wholeNumber('rolls', values.rolls)
const chosen = values['group-protocol']
const protocols =
  chosen === undefined
    ? (['streams', 'classic'] as const)
    : [oneOf('group-protocol', chosen, ['streams', 'classic'] as const)]

const directory = mkdtempSync(join(tmpdir(), 'millrace-roll-'))
// Exiting ends everything that this process has started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const broker = await startBroker()
let isRight = true
try {
  for (const groupProtocol of protocols) {
    const result = await roll({ brokers: broker.brokers, groupProtocol, directory, rolls })
    const { trace, ...rest } = result
    const isEqual = rest.failed === 0 && rest.wrong.length === 0
    if (!isEqual) for (const line of trace) console.log(line)
    console.log(JSON.stringify({ groupProtocol, rolls, ...rest }))
    isRight &&= isEqual
  }
} finally {
  await broker.stop()
  rmSync(directory, { recursive: true, force: true })
}
process.exit(isRight ? 0 : 1)
