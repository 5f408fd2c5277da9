import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startBroker, uniqueName, type PrivateBroker } from '../kafka/broker/index.ts'
import { buildImage, type Project } from './image.ts'
import { podman } from './podman.ts'
import { onTheEmbeddedLog } from './scenes/embedded.ts'
import { onKafka } from './scenes/kafka.ts'
import { inASharedVolume, inAVolumeOfRoot } from './scenes/refusals.ts'

const name = uniqueName('millrace')
const image = `localhost/${name}:test`
let project: Project
// Topics and group have the names of the template, so the broker is for these tests alone.
let broker: PrivateBroker
beforeAll(async () => {
  project = await buildImage(image)
  broker = await startBroker()
})
afterAll(async () => {
  project.remove()
  await broker.stop()
  await podman(['rmi', '--force', image])
})

test('the image runs on the embedded log, is stopped under load, and goes on in another container', async () => {
  await onTheEmbeddedLog(image, name)
})

test('two instances on Kafka lose and double nothing when one is killed, one added, and two are stopped', async () => {
  const { payments, stops, wrong } = await onKafka({
    image,
    name,
    brokers: broker.brokers,
    rate: 500,
    pause: 500,
  })
  expect(payments).toBeGreaterThan(1000)
  expect(stops).toHaveLength(3)
  expect(wrong).toEqual([])
})

describe('a container ends with one line that says what to do', () => {
  test('in a volume of root', async () => {
    const { code, hint, exitCode } = await inAVolumeOfRoot(image, name)
    expect({ code, exitCode }).toEqual({ code: 'MR_STATE_PERMISSION', exitCode: 1 })
    expect(hint).toMatch(/chown -R 1000:1000 \/data/)
  })

  test('in a volume of another container, which runs on', async () => {
    expect(await inASharedVolume(image, name)).toMatchObject({ code: 'MR_STATE_LOCKED', exitCode: 1 })
  })
})
