import { expect, test } from 'vitest'
import { memoryLog, readTopic } from 'millrace'
import { runConnectors } from 'millrace/connect'
import { createTopics } from '../kit/topics.ts'
import files from './connect.ts'
import { START, truckId } from './generator.ts'
import { positions } from './topics.ts'

test('readings come from a file: a minute of twenty trucks, with their times', async () => {
  const log = memoryLog()
  await createTopics(log, [positions], [])
  await (
    await runConnectors(files, { log, untilEnd: true })
  ).closed
  const trucks = new Map<string, number[]>()
  for await (const { key, timestamp } of readTopic(log, positions, { until: 'end' }))
    trucks.set(key!, [...(trucks.get(key!) ?? []), timestamp])
  const seconds = Array.from({ length: 60 }, (_, second) => START + second * 1000)
  expect(trucks).toEqual(new Map(Array.from({ length: 20 }, (_, truck) => [truckId(truck), seconds])))
  await log.close()
})
