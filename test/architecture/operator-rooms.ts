import type { Room } from './room.ts'

const OPERATOR = ['errors', 'operators', 'platform', 'record']

/** The rooms of the operators. `rooms.ts` has them among all. */
export const OPERATORS: Readonly<Record<string, Room>> = {
  operators: {
    holds: 'the `Operator` port: what runs a node, and what it may do',
    knows: ['errors', 'platform', 'record', 'state', 'topology', 'windowing'],
  },
  'operators/stateless': { holds: 'one record in, some out', knows: [...OPERATOR, 'windowing'] },
  'operators/process': { holds: 'processors of users', knows: [...OPERATOR, 'options', 'topology'] },
  'operators/table': {
    holds: 'tables: their rows, what is derived from them, how others look them up',
    knows: [...OPERATOR, 'operators/process', 'state', 'windowing', 'topology'],
  },
  'operators/aggregate': { holds: 'aggregations without windows', knows: [...OPERATOR, 'operators/table', 'topology'] },
  'operators/window': {
    holds: 'aggregations in windows and sessions',
    knows: [...OPERATOR, 'operators/aggregate', 'state', 'windowing'],
  },
  'operators/join': {
    holds: 'joins of streams and tables by equal keys',
    knows: [...OPERATOR, 'operators/table', 'state', 'windowing'],
  },
  'operators/foreign-key': {
    holds: 'joins of tables by a foreign key',
    knows: [...OPERATOR, 'operators/table', 'serde', 'state'],
  },
  'operators/async': { holds: 'calls of services and their results', knows: [...OPERATOR, 'state', 'topology'] },
  'operators/suppress': { holds: 'results held back', knows: [...OPERATOR, 'operators/table', 'state', 'windowing'] },
  'operators/create': {
    holds: 'from an `OperatorSpec` to the operator that runs it',
    knows: [
      'operators',
      'operators/aggregate',
      'operators/async',
      'operators/foreign-key',
      'operators/join',
      'operators/process',
      'operators/stateless',
      'operators/suppress',
      'operators/table',
      'operators/window',
      'topology',
    ],
  },
}
