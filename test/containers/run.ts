import { parseArgs } from 'node:util'
import { wholeNumber } from '../faults/kit/arguments.ts'
import { startBroker, uniqueName } from '../kafka/broker/index.ts'
import { buildImage } from './image.ts'
import { complaintsOfTheApiServer } from './kubectl-validate.ts'
import { podman } from './podman.ts'
import { onTheEmbeddedLog } from './scenes/embedded.ts'
import { untilTheVolumeIsFull } from './scenes/full-volume.ts'
import { onKafka } from './scenes/kafka.ts'
import { inASharedVolume, inAVolumeOfRoot } from './scenes/refusals.ts'

const { values } = parseArgs({
  options: { rate: { type: 'string', default: '2000' }, seconds: { type: 'string', default: '5' } },
})
const rate = wholeNumber('rate', values.rate)
const pause = wholeNumber('seconds', values.seconds) * 1000

/** Bounds, ms: from `podman run` to the first record, and from the end of the drain to that of the container. */
const FIRST_RECORD = 3000
const STOP = 2000

const name = uniqueName('millrace')
const image = `localhost/${name}:test`
const failures: string[] = []
const expect = (what: string, holds: boolean): void => {
  if (!holds) failures.push(what)
}
const show = (scene: string, figures: object): void => console.log(JSON.stringify({ scene, ...figures }))

// Exiting ends everything that this process has started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

const complaints = await complaintsOfTheApiServer()
expect(`kubectl-validate: ${complaints.join('; ')}`, complaints.length === 0)
show('manifests', { complaints })

const project = await buildImage(image)
const broker = await startBroker()
// Each load begins with empty topics, whose names are those of the template.
const another = await startBroker()
try {
  const { brokers } = broker
  const embedded = await onTheEmbeddedLog(image, name)
  show('embedded log', embedded)
  expect('the first record on the embedded log is there within 3 s', embedded.firstRecord <= FIRST_RECORD)
  expect('a stop on the embedded log takes 2 s beside the drain', embedded.stop <= STOP)

  const onBrokers = await onKafka({ image, name, brokers, rate, pause })
  show('kafka', onBrokers)
  expect('the totals are what was paid', onBrokers.wrong.length === 0)
  expect(
    'the first record of a first instance on Kafka is there within 3 s',
    (onBrokers.firstRecords[0] ?? Infinity) <= FIRST_RECORD,
  )
  expect('stops on Kafka take 2 s beside the drain', Math.max(...onBrokers.stops) <= STOP)

  const ofRoot = await inAVolumeOfRoot(image, name)
  show('volume of root', ofRoot)
  expect('a volume of root is refused with what to do', ofRoot.code === 'MR_STATE_PERMISSION' && ofRoot.exitCode === 1)

  const shared = await inASharedVolume(image, name)
  show('shared volume', shared)
  expect('a second container on a volume is refused', shared.code === 'MR_STATE_LOCKED' && shared.exitCode === 1)

  const full = await untilTheVolumeIsFull(image, name, another.brokers)
  show('full volume', full)
  expect('a full volume ends an instance', full.code === 'MR_STATE_SPACE' && full.exitCode === 1)
  expect('the totals are right after a volume was full', full.wrong.length === 0)
} finally {
  await broker.stop()
  await another.stop()
  project.remove()
  await podman(['rmi', '--force', image])
}
for (const failure of failures) console.error(`not so: ${failure}`)
process.exit(failures.length === 0 ? 0 : 1)
