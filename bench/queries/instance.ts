/** An instance of the totals of W2 on Kafka, in a process of its own: `npm run bench:queries` starts two. */
import { Streams } from '../../src/index.ts'
import { kafka } from '../../src/kafka/index.ts'
import { serve } from '../../src/server/index.ts'
import { totals } from './idle.ts'

/** The environment variable with the token by which the instances ask each other. */
const PEER_TOKEN = 'MILLRACE_BENCH_PEER_TOKEN'

export interface InstanceSettings {
  readonly id: string
  readonly brokers: string
  readonly stateDirectory: string
  readonly port: number
}

const { id, brokers, stateDirectory, port } = JSON.parse(process.argv[2] ?? '') as InstanceSettings
const log = kafka({ brokers })
const advertise = `127.0.0.1:${port}`
const streams = await Streams.start(totals(id), { log, stateDirectory, advertise, peerToken: { env: PEER_TOKEN } })
await serve(streams, { listen: port })
process.once('SIGTERM', () => void streams.close())
await streams.closed
await log.close()
