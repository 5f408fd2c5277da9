import { expect, test } from 'vitest'
import { followQuickstart } from '../docs/quickstart.ts'
import { startBroker } from './broker/index.ts'

test('every line of the quickstart does what the page says, on Kafka', async () => {
  const broker = await startBroker()
  try {
    const steps = await followQuickstart(`--kafka ${broker.brokers}`)
    for (const { commands, printed, shown } of steps) {
      if (shown !== undefined) expect({ commands, printed }).toEqual({ commands, printed: shown })
    }
  } finally {
    await broker.stop()
  }
})
