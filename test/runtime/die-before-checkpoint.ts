import { chooseEngine, embeddedLog, Streams } from 'millrace'
import type { EngineFactory } from 'millrace'
import { kafka } from 'millrace/kafka'
import { TotalsCase } from './restore-app.ts'

// Runs the application and kills itself, as kill -9 would, between a commit and the checkpoint that follows it.
const [kind, place, prefix, stateDirectory] = process.argv.slice(2)
if (place === undefined || prefix === undefined || stateDirectory === undefined) {
  throw new Error('usage: die-before-checkpoint.ts embedded|kafka DIRECTORY|BROKERS PREFIX STATE_DIRECTORY')
}

let armed = false
const { factory } = await chooseEngine('rocksdb')
const engine: EngineFactory = {
  ...factory,
  open: async (directory, options) => {
    const opened = await factory.open(directory, options)
    const write = opened.write.bind(opened)
    opened.write = (batch, writeOptions) => {
      if (armed) process.kill(process.pid, 'SIGKILL')
      return write(batch, writeOptions)
    }
    return opened
  },
}
const log = kind === 'embedded' ? await embeddedLog({ directory: place }) : kafka({ brokers: place })
const onState = (state: string): void => void (armed ||= state === 'running')
const { app } = new TotalsCase(log, prefix)
const streams = await Streams.start(app, { log, engine, stateDirectory, onState })
await streams.closed
