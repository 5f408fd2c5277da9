import { join } from 'node:path'
import { describe } from 'vitest'
import { embeddedLog } from 'millrace'
import { ORDERS, transcriptTests, type TranscriptPlace } from './transcript-suite.ts'

describe('on one embedded log', () => {
  const place: TranscriptPlace = {
    prefix: () => '',
    async create(topics, directory) {
      const data = join(directory, 'data')
      const log = await embeddedLog({ directory: join(data, 'log') })
      await log.createTopics(topics)
      await log.close()
      return `--data ${data}`
    },
  }
  transcriptTests(place, ORDERS)
})
