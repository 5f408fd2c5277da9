import { string, topic } from '../../src/index.ts'
import { defineConnectors, fileSink, fileSource, runConnectors } from '../../src/connect/index.ts'
import { kafka } from '../../src/kafka/index.ts'

// Runs a file source or a file sink on Kafka until it is killed: `millrace.ts source|sink BROKERS TOPIC FILE`.
const [, , kind, brokers = '', name = '', path = ''] = process.argv
const lines = topic(name, { key: string(), value: string() })
const connector =
  kind === 'source'
    ? fileSource({ name: 'source', path, topic: lines })
    : fileSink({ name: 'sink', topics: [lines], path })
await runConnectors(defineConnectors({ id: `bench-${name}-${kind}`, connectors: [connector] }), {
  log: kafka({ brokers }),
})
