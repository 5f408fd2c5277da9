import { Streams } from 'millrace'
import { kafka } from 'millrace/kafka'
import { serve } from 'millrace/server'
import { ordersApp } from './app.ts'

/** What an instance is given on its command line, as JSON. */
export interface InstanceSettings {
  readonly id: string
  readonly prefix: string
  readonly brokers: string
  readonly port: number
  readonly directory: string
}

const { id, prefix, brokers, port, directory }: InstanceSettings = JSON.parse(process.argv[2] ?? '')
const streams = await Streams.start(ordersApp(id, prefix), {
  log: kafka({ brokers }),
  stateDirectory: directory,
  advertise: `127.0.0.1:${port}`,
  peerToken: { env: 'PEER_TOKEN' },
})
await serve(streams, { listen: port })
