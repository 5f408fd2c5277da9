import { embeddedLog, string, topic } from '../../../src/index.ts'
import { defineConnectors, fileSink, fileSource, runConnectors } from '../../../src/connect/index.ts'
import { kafka } from '../../../src/kafka/index.ts'

// Files into a topic and the topic into a file, until it is killed: `process.ts DIRECTORY ID [BROKERS]`.
const [, , directory = '', id = '', brokers] = process.argv
const log = brokers === undefined ? await embeddedLog({ directory: `${directory}/log` }) : kafka({ brokers })
const lines = topic(`${id}-lines`, { key: string(), value: string() })
const connectors = [
  // The pattern fits the copies of what is truncated, so that nothing of them is lost.
  fileSource({ name: 'in', path: `${directory}/in/app.log*`, topic: lines, topicOptions: { partitions: 2 } }),
  fileSink({ name: 'out', topics: [lines], path: `${directory}/out/lines.txt` }),
]
const running = await runConnectors(defineConnectors({ id, connectors }), { log, instanceId: 'one' })
await running.closed
