import { string, topic } from 'millrace'
import { defineConnectors, fileSink, fileSource } from 'millrace/connect'

const lines = topic('connect-test', { key: string(), value: string() })

/** The lines of `test.txt` go through a topic into `test.sink.txt`, each exactly once. */
export default defineConnectors({
  id: 'files',
  connectors: [
    fileSource({ name: 'local-file-source', path: 'test.txt', topic: lines, topicOptions: { partitions: 1 } }),
    fileSink({ name: 'local-file-sink', topics: [lines], path: 'test.sink.txt' }),
  ],
})
