import { expect, test } from 'vitest'
import { StateMachine } from '../../src/platform/state-machine.ts'

test('a state changes as its transitions allow; anything else is an error, and changes nothing', () => {
  const door = new StateMachine<'open' | 'shut' | 'bricked'>(
    'a door',
    { open: ['shut'], shut: ['open', 'bricked'], bricked: [] },
    'open',
  )
  expect(() => door.become('bricked')).toThrow(
    expect.objectContaining({ code: 'MR_INTERNAL', message: 'a door cannot go from open to bricked' }),
  )
  expect(door.is('open')).toBe(true)
  door.become('shut')
  expect(door.is('open', 'shut')).toBe(true)
  door.become('bricked')
  expect(() => door.become('open')).toThrow('from bricked to open')
})
