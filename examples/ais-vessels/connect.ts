import { join } from 'node:path'
import { defineConnectors, fileSink, fileSource } from 'millrace/connect'
import { readSentence } from './decode.ts'
import { inZone, sentences } from './topics.ts'

/** Sentences of receivers into the topic, and what happens in the zone into a file. */
export default defineConnectors({
  id: 'ais-files',
  connectors: [
    fileSource({
      name: 'receivers',
      path: join(import.meta.dirname, '*.nmea'),
      topic: sentences,
      // The parts of a message must meet in one partition.
      key: (line) => readSentence(line)?.message ?? null,
      topicOptions: { partitions: 4 },
    }),
    fileSink({
      name: 'zone',
      topics: [inZone],
      path: '.millrace/ais-zone.ndjson',
      format: ({ key, value }) => `${JSON.stringify(value ?? { mmsi: Number(key), left: true })}\n`,
    }),
  ],
})
