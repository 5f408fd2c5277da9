import type { Room } from './room.ts'

/** The rooms of connectors. `rooms.ts` has them among all. */
export const CONNECT: Readonly<Record<string, Room>> = {
  connect: {
    holds: '`index.ts`: what users import from `millrace/connect`; connectors that run, alone or on an application',
    knows: [
      'application',
      'connect/definition',
      'connect/thread',
      'errors',
      'log',
      'options',
      'platform',
      'record',
      'runtime',
    ],
  },
  'connect/definition': {
    holds: 'what a source is and what a sink is, and what each is given',
    knows: ['client', 'dsl/options', 'errors', 'log', 'options', 'platform', 'record'],
  },
  'connect/thread': {
    holds: 'one connector that runs: its group, what it reads and writes, its commits',
    knows: [
      'application',
      'client',
      'connect/definition',
      'dsl/options',
      'errors',
      'group',
      'log',
      'platform',
      'record',
      'serde',
    ],
  },
}
