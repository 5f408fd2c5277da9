import type { Room } from './room.ts'

/** The rooms of connectors. `rooms.ts` has them among all. */
export const CONNECT: Readonly<Record<string, Room>> = {
  connect: {
    holds: '`index.ts`: what users import from `millrace/connect`; connectors that run, alone or on an application',
    knows: [
      'application',
      'connect/definition',
      'connect/files',
      'connect/thread',
      'errors',
      'health',
      'log',
      'metrics',
      'options',
      'platform',
      'record',
      'runtime',
    ],
  },
  'connect/definition': {
    holds: 'what a source is and what a sink is, and what each is given',
    knows: ['application', 'client', 'dsl/options', 'errors', 'log', 'options', 'platform', 'record'],
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
  'connect/files': {
    holds: '`fileSource` and `fileSink`',
    knows: [
      'connect/definition',
      'connect/files/decoding',
      'connect/files/failures',
      'connect/files/framing',
      'connect/files/reading',
      'connect/files/writing',
      'errors',
      'log',
      'options',
      'platform',
      'record-forms',
    ],
  },
  'connect/files/failures': { holds: 'why the system refuses a file', knows: ['errors'] },
  'connect/files/framing': { holds: 'where records end in bytes', knows: [] },
  'connect/files/decoding': {
    holds: 'what is in the bytes of a record: text, JSON, a row',
    knows: ['connect/files/reading'],
  },
  'connect/files/reading': {
    holds: 'files that grow, are renamed, packed and truncated: what of them was read, and what comes next',
    knows: ['connect/files/failures', 'connect/files/framing', 'errors', 'platform'],
  },
  'connect/files/writing': {
    holds: 'a file to which batches are appended exactly once, with the offsets behind them',
    knows: ['connect/definition', 'connect/files/failures', 'errors', 'platform'],
  },
}
