import { expect, it } from 'vitest'
import { defineApp, joinWindow, string, topic } from '../../src/index.ts'
import type { AppConfig } from '../../src/index.ts'

const words = topic('words', { key: string(), value: string() })

function storesOf(join: 'join' | 'leftJoin', config: Partial<AppConfig>): number {
  const app = defineApp({
    id: 'app',
    build: (builder) => {
      const stream = builder.stream(words)
      if (join === 'join') stream.join(stream, (a, b) => a + b, joinWindow('1s'))
      else stream.leftJoin(stream, (a, b) => `${a}${b}`, joinWindow('1s'))
    },
    ...config,
  })
  return app.topology().stores.size
}

it('an optimized self-join keeps one store', () => {
  expect(storesOf('join', {})).toBe(2)
  expect(storesOf('join', { optimize: 'single.store.self.join' })).toBe(1)
})

it('a left self-join is left as it is, unless all is to be as in Kafka Streams', () => {
  expect(storesOf('leftJoin', { optimize: 'all' })).toBe(3)
  expect(storesOf('leftJoin', { optimize: 'all', compatibility: 'kafka-streams-4.3' })).toBe(1)
})
