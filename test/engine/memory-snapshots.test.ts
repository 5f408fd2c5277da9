import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { WriteBatch } from '../../src/engine/write-batch.ts'
import type { EngineIterator } from '../../src/engine/engine.ts'
import { memoryEngine } from '../../src/engine/memory/memory-engine.ts'

type Step =
  | { readonly do: 'put' | 'delete'; readonly key: number }
  | { readonly do: 'deleteRange'; readonly key: number; readonly to: number }
  | { readonly do: 'open'; readonly key: number; readonly to: number; readonly reverse: boolean }
  | { readonly do: 'next' | 'close'; readonly key: number }

const key = fc.integer({ min: 0, max: 40 })
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ do: fc.constantFrom('put', 'delete'), key }),
    fc.record({ do: fc.constant('deleteRange'), key, to: key }),
    fc.record({ do: fc.constant('open'), key, to: key, reverse: fc.boolean() }),
    fc.record({ do: fc.constantFrom('next', 'close'), key }),
  ),
  { maxLength: 200 },
)

const bytesOf = (i: number): Buffer => Buffer.from(String(i).padStart(2, '0'))

it('every iterator shows what was there when it was opened, whatever is written and closed around it', () => {
  fc.assert(
    fc.property(steps, (sequence) => {
      const engine = memoryEngine.open('')
      const model = new Map<number, string>()
      const open: { readonly iterator: EngineIterator; readonly expected: string[] }[] = []
      sequence.forEach((step, at) => {
        const batch = new WriteBatch()
        if (step.do === 'put') {
          batch.put(bytesOf(step.key), Buffer.from(`${at}`))
          model.set(step.key, `${at}`)
        } else if (step.do === 'delete') {
          batch.delete(bytesOf(step.key))
          model.delete(step.key)
        } else if (step.do === 'deleteRange') {
          batch.deleteRange(bytesOf(step.key), bytesOf(step.to))
          for (let i = step.key; i < step.to; i++) model.delete(i)
        } else if (step.do === 'open') {
          const { reverse } = step
          const keys = [...model.keys()].filter((i) => i >= step.key && i < step.to).sort((a, b) => a - b)
          const expected = (reverse ? keys.toReversed() : keys).map((i) => `${bytesOf(i)}=${model.get(i)}`)
          open.push({ iterator: engine.iterate({ gte: bytesOf(step.key), lt: bytesOf(step.to), reverse }), expected })
          return
        } else {
          const index = step.key % Math.max(1, open.length)
          const one = open[index]
          if (step.do === 'close') open.splice(index, 1).forEach(({ iterator }) => iterator.close())
          else if (one !== undefined) expectNext(one.iterator, one.expected)
          return
        }
        engine.write(batch)
      })
      for (const { iterator, expected } of open) {
        while (expected.length > 0) expectNext(iterator, expected)
        expect(iterator.next()).toBe(false)
        iterator.close()
      }
      for (let i = 0; i <= 40; i++) expect(engine.get(bytesOf(i))?.toString()).toBe(model.get(i))
    }),
    { numRuns: 500 },
  )
})

function expectNext(iterator: EngineIterator, expected: string[]): void {
  const shown = iterator.next() ? `${iterator.key}=${iterator.value}` : undefined
  expect(shown).toBe(expected.shift())
}
