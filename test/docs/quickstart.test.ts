import { expect, test } from 'vitest'
import { followQuickstart } from './quickstart.ts'

test('every line of the quickstart does what the page says, on the embedded log', async () => {
  const steps = await followQuickstart()
  const shown = steps.filter((step) => step.shown !== undefined)
  expect(shown.map(({ commands, printed }) => ({ commands, printed }))).toEqual(
    shown.map(({ commands, shown }) => ({ commands, printed: shown })),
  )
  expect(shown).toHaveLength(5)
})
