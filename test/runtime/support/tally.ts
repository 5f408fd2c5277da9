import { defineApp, long, string, topic } from 'millrace'

/** Lets several tests share a broker. */
const prefix = process.env['TEST_PREFIX'] ?? ''

export const words = topic(`${prefix}words`, { key: string(), value: string() })
export const tallies = topic(`${prefix}tallies`, { key: string(), value: long() })

export default defineApp({
  id: `${prefix}tally`,
  guarantee: 'exactly_once',
  build: (builder) => {
    builder
      .stream(words)
      .groupBy((word) => word, { key: string() })
      .count({ store: 'tallies' })
      .toStream()
      .to(tallies)
  },
})
