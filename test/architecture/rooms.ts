import { OPERATORS } from './operator-rooms.ts'
import { ENGINES, KAFKA, LOGS } from './port-rooms.ts'
import type { Room } from './room.ts'

/** Rooms that nearly every room needs. */
export const PLAIN: readonly string[] = ['errors', 'options', 'platform', 'record', 'serde']
const STORE = ['engine', 'platform', 'record', 'serde', 'state', 'state/rows', 'topology']

/**
 * The law of the arrows: `arrows.test.ts` fails on an arrow that is not allowed here. A new arrow is one word here,
 * after one question: must the room below really be known, or does the file stand in the wrong room?
 */
export const rooms: Readonly<Record<string, Room>> = {
  '.': {
    holds: '`index.ts`: what users import from `millrace`',
    knows: [
      ...PLAIN,
      'admin',
      'application',
      'client',
      'dead-letters',
      'dsl',
      'dsl/options',
      'dsl/stores',
      'engine',
      'engine/choice',
      'engine/memory',
      'health',
      'log',
      'log/embedded',
      'log/memory',
      'metrics',
      'metrics/catalogue',
      'query',
      'runtime',
      'runtime/memory',
      'runtime/restore',
      'state',
      'state/views',
      'topology',
      'topology/describe',
      'upgrade',
      'windowing',
    ],
  },

  errors: { holds: '`MillraceError` with code, place and hint', knows: [] },
  platform: { holds: 'the machine: clocks, timers, files, promises, bytes; nothing of streams', knows: ['errors'] },
  options: {
    holds: 'tables of options: what may be given, how it is checked, what the documentation says of it',
    knows: ['errors', 'platform'],
  },
  record: {
    holds: 'what a record is: headers, event time, the hash of its key, why it was dropped',
    knows: ['errors', 'platform'],
  },
  windowing: { holds: 'windows and their arithmetic, as pure functions', knows: ['errors', 'options', 'platform'] },
  serde: { holds: 'bytes and values', knows: ['errors', 'options', 'platform', 'record', 'windowing'] },
  'serde/internal': { holds: 'the formats of internal topics', knows: ['errors', 'record', 'serde'] },

  ...ENGINES,

  metrics: {
    holds: 'what can be counted: the catalogue, values of series, a snapshot of all of them',
    knows: ['metrics/catalogue'],
  },
  'metrics/catalogue': { holds: 'the rows of the catalogue, by what they are about', knows: [] },

  group: {
    holds: 'a group of members: its tasks, their assignment, the partition counts of internal topics',
    knows: ['errors', 'platform'],
  },

  ...LOGS,

  topology: {
    holds:
      'the compiled topology as plain data: nodes with an `OperatorSpec`, stores with a `StoreSpec`, and their names',
    knows: ['errors', 'options', 'record', 'serde', 'windowing'],
  },
  'topology/compile': {
    holds: 'writing a topology: sub-topologies, internal topics, copartitioning',
    knows: ['topology'],
  },
  'topology/graph': {
    holds: 'the logical graph and its rewrite rules',
    knows: ['serde', 'topology', 'topology/compile'],
  },
  'topology/describe': {
    holds: 'the description of a topology: as text, JSON, Mermaid, and for a group',
    knows: ['group', 'topology'],
  },

  health: {
    holds: 'whether an application is alive, ready and started: pure functions over what its threads tell',
    knows: [],
  },

  application: {
    holds: 'an application as the runtime gets it: id, settings, handlers, logger',
    knows: ['errors', 'log', 'options', 'platform', 'record', 'topology'],
  },

  dsl: {
    holds: '`StreamsBuilder`, `KStream`, `KTable` and their like: what users call to build a graph',
    knows: [
      ...PLAIN,
      'application',
      'dsl/handles',
      'dsl/nodes',
      'dsl/options',
      'log',
      'topology',
      'topology/graph',
      'windowing',
    ],
  },
  'dsl/options': {
    holds: 'what users give to operators: options, topics, functions',
    knows: ['errors', 'options', 'platform', 'serde', 'topology', 'windowing'],
  },
  'dsl/stores': { holds: 'definitions of stores for processors', knows: ['errors', 'options', 'serde', 'topology'] },
  'dsl/handles': {
    holds: 'what streams and tables are to the graph',
    knows: ['dsl/options', 'serde', 'topology', 'topology/graph', 'windowing'],
  },
  'dsl/nodes': {
    holds: 'what operators add to the graph: names and numbers as Kafka Streams draws them',
    knows: [
      'dsl/handles',
      'dsl/options',
      'record',
      'serde',
      'serde/internal',
      'topology',
      'topology/compile',
      'topology/graph',
      'windowing',
    ],
  },

  state: {
    holds: 'stores as operators know them, and what every store is given',
    knows: ['engine', 'errors', 'platform', 'record', 'serde', 'state/rows', 'topology'],
  },
  'state/rows': {
    holds: 'bytes of rows on their way to engine and changelog',
    knows: ['engine', 'platform', 'record', 'serde'],
  },
  'state/entries': {
    holds: 'live entries over an engine: held back, logged, written, evicted',
    knows: STORE,
  },
  'state/key-value': { holds: 'key-value stores', knows: [...STORE, 'state/entries'] },
  'state/window': {
    holds: 'window and session stores: rows by time, retention, late rows, scans',
    knows: [...STORE, 'state/entries'],
  },
  'state/versioned': { holds: 'versioned stores', knows: [...STORE, 'state/entries', 'state/key-value'] },
  'state/buffers': {
    holds: 'what operators keep to themselves and hold in memory whole: suppress, outer joins, joins with grace',
    knows: [...STORE, 'state/entries'],
  },
  'state/calls': {
    holds: 'the records in an asynchronous step that had not left it at a commit',
    knows: ['platform', 'record', 'serde', 'state', 'state/buffers', 'state/rows', 'topology'],
  },
  'state/views': {
    holds: 'stores as users see them',
    knows: [
      'errors',
      'platform',
      'record',
      'serde',
      'state',
      'state/key-value',
      'state/rows',
      'state/window',
      'state/versioned',
      'topology',
    ],
  },
  'state/task': {
    holds: 'the state of one task: its stores, its engine, whose it is',
    knows: [
      ...STORE,
      'engine/memory',
      'errors',
      'state/buffers',
      'state/calls',
      'state/key-value',
      'state/window',
      'state/versioned',
      'state/views',
    ],
  },

  credentials: {
    holds: 'what proves who asks: tokens and certificates, in files that are read again when they change',
    knows: ['application', 'errors', 'options', 'platform'],
  },
  query: {
    holds: 'asking a store: where a key is, who has it, its rows page by page, and the views that users get',
    knows: ['errors', 'log', 'options', 'platform', 'record', 'serde', 'state', 'state/rows', 'topology'],
  },

  'query/remote': {
    holds: 'asking another instance: what goes over the wire, who is asked, and what an instance lets others ask',
    knows: ['credentials', 'errors', 'platform', 'query', 'topology'],
  },

  ...OPERATORS,

  runtime: {
    holds: '`Streams`: an application that runs',
    knows: [
      'application',
      'credentials',
      'engine',
      'engine/choice',
      'errors',
      'health',
      'group',
      'log',
      'metrics',
      'options',
      'platform',
      'query',
      'query/remote',
      'record',
      'runtime/restore',
      'runtime/routes',
      'runtime/state-directory',
      'runtime/thread',
      'runtime/workers',
      'topology',
      'topology/describe',
    ],
  },
  'runtime/routes': {
    holds: 'where the tasks of the application are',
    knows: ['application', 'group', 'log', 'platform', 'query/remote'],
  },
  'runtime/counters': { holds: 'what a stream thread counts', knows: [] },
  'runtime/node': {
    holds: 'a node at work: what it forwards, drops, schedules',
    knows: ['application', 'errors', 'operators', 'platform', 'record', 'state', 'topology'],
  },
  'runtime/prefetch': { holds: 'rows looked up before their records are processed', knows: ['log', 'serde', 'state'] },
  'runtime/input': {
    holds: 'records on their way in: queues by partition, the lowest timestamp first',
    knows: ['log', 'record', 'runtime/node', 'runtime/prefetch', 'serde', 'state', 'topology'],
  },
  'runtime/output': {
    holds: 'records on their way out: encoded, partitioned, appended',
    knows: ['errors', 'log', 'platform', 'record', 'serde', 'topology'],
  },
  'runtime/failures': {
    holds: 'what goes wrong with one record: handlers, dead letters, refusals',
    knows: [
      'application',
      'errors',
      'log',
      'platform',
      'record',
      'runtime/input',
      'runtime/node',
      'runtime/output',
      'serde',
    ],
  },
  'runtime/calls': {
    holds: 'the asynchronous steps of a task: in its turns, its commits, its close',
    knows: [
      'operators',
      'platform',
      'record',
      'runtime/failures',
      'runtime/input',
      'runtime/node',
      'state',
      'topology',
    ],
  },
  'runtime/task': {
    holds: 'a task: operators wired over queues and stores, its times, its offsets',
    knows: [
      ...PLAIN,
      'application',
      'log',
      'operators',
      'operators/create',
      'runtime/calls',
      'runtime/failures',
      'runtime/input',
      'runtime/node',
      'runtime/output',
      'state/task',
      'topology',
    ],
  },
  'runtime/commit': {
    holds: 'the commit',
    knows: [
      'errors',
      'log',
      'platform',
      'runtime/failures',
      'runtime/output',
      'runtime/task',
      'state',
      'state/task',
      'topology',
    ],
  },
  'runtime/restore': {
    holds: 'the restore: from a changelog to a store, and where inputs go on',
    knows: [
      'application',
      'errors',
      'log',
      'platform',
      'record',
      'serde',
      'state',
      'state/calls',
      'state/task',
      'topology',
      'topology/describe',
    ],
  },
  'runtime/state-directory': {
    holds: 'the state directory: its engines, its owner, what is cleaned away',
    knows: [
      'application',
      'engine',
      'engine/choice',
      'engine/files',
      'engine/leveldb',
      'errors',
      'platform',
      'state/task',
      'topology',
    ],
  },
  'runtime/memory': {
    holds: 'the division of memory',
    knows: ['application', 'engine', 'platform', 'runtime/task', 'topology'],
  },
  'runtime/thread': {
    holds: 'a stream thread: its loop, its membership, its tasks and standbys',
    knows: [
      'application',
      'errors',
      'group',
      'health',
      'log',
      'metrics',
      'platform',
      'query',
      'record',
      'runtime/calls',
      'runtime/commit',
      'runtime/counters',
      'runtime/failures',
      'runtime/input',
      'runtime/memory',
      'runtime/node',
      'runtime/output',
      'runtime/restore',
      'runtime/state-directory',
      'runtime/task',
      'state',
      'state/task',
      'topology',
      'topology/describe',
    ],
  },
  'runtime/workers': {
    holds: 'where stream threads live: on one event loop, or in worker threads',
    knows: [
      'application',
      'engine',
      'engine/choice',
      'errors',
      'health',
      'group',
      'log',
      'metrics',
      'platform',
      'query',
      'runtime/node',
      'runtime/restore',
      'runtime/state-directory',
      'runtime/thread',
      'topology',
      'topology/describe',
    ],
  },

  ...KAFKA,

  server: {
    holds: '`index.ts`: what users import from `millrace/server`; a server as a companion, and its options',
    knows: ['credentials', 'errors', 'options', 'platform', 'runtime', 'server/access', 'server/http', 'server/routes'],
  },
  'server/access': {
    holds: 'who may ask what: tokens and roles, names of hosts, origins',
    knows: ['application', 'credentials', 'errors', 'platform'],
  },
  'server/http': {
    holds: 'HTTP: the table of routes and what is made from it, problems, bodies, connections',
    knows: ['application', 'credentials', 'errors', 'options', 'platform', 'runtime', 'server/access'],
  },
  'server/routes': {
    holds: 'the routes, a file for each family',
    knows: [
      'health',
      'metrics',
      'platform',
      'query',
      'query/remote',
      'runtime',
      'server/http',
      'server/routes/console',
      'server/routes/dead-letters',
      'server/routes/pages',
      'server/routes/stores',
      'topology/describe',
    ],
  },
  'server/routes/console': {
    holds: 'the console: its files, and what it shows of all instances',
    knows: ['application', 'errors', 'metrics', 'platform', 'runtime', 'server/http', 'server/routes/pages'],
  },
  'server/routes/pages': {
    holds: 'pages: files that are sent to everybody',
    knows: ['errors', 'server/http'],
  },
  'server/routes/dead-letters': {
    holds: 'the routes that read and replay dead letters',
    knows: ['application', 'dead-letters', 'errors', 'log', 'platform', 'record', 'runtime', 'server/http'],
  },
  'server/routes/stores': {
    holds: 'the routes that read stores: their parameters, keys, rows, pages and cursors',
    knows: ['application', 'errors', 'options', 'query', 'serde', 'server/http'],
  },

  client: {
    holds: '`readTopic`, `TopicWriter`: records in and out from outside',
    knows: ['dsl/options', 'errors', 'log', 'options', 'record', 'serde'],
  },
  admin: {
    holds: 'what is done to groups and applications from outside: lag, offsets, resets',
    knows: ['application', 'errors', 'group', 'log', 'options', 'platform', 'topology', 'topology/describe'],
  },
  upgrade: {
    holds: 'what a new version of an application keeps and loses of what the old one has',
    knows: ['application', 'errors', 'topology', 'topology/describe'],
  },
  'dead-letters': {
    holds: 'what was put aside: read, decoded, changed, replayed',
    knows: ['application', 'errors', 'log', 'options', 'record', 'serde', 'topology', 'windowing'],
  },
  testing: {
    holds: '`TopologyTestDriver`: what users import from `millrace/testing`',
    knows: [
      ...PLAIN,
      'application',
      'dsl/options',
      'engine',
      'engine/memory',
      'log',
      'log/memory',
      'query',
      'runtime/node',
      'runtime/state-directory',
      'runtime/task',
      'runtime/thread',
      'topology',
      'topology/describe',
      'windowing',
    ],
  },
  'record-forms': {
    holds: 'records as JSON, and bytes as text: what the command line and the server read and show',
    knows: ['errors', 'log', 'record', 'serde'],
  },
  'cli/records': {
    holds: 'the lines that `produce` reads and `consume` prints',
    knows: ['errors', 'log', 'record', 'record-forms'],
  },
  cli: {
    holds: 'the `millrace` command',
    knows: [
      'admin',
      'application',
      'cli/records',
      'client',
      'dead-letters',
      'engine',
      'engine/choice',
      'errors',
      'group',
      'kafka',
      'log',
      'log/backup',
      'log/embedded',
      'options',
      'platform',
      'query',
      'record',
      'record-forms',
      'runtime',
      'runtime/restore',
      'serde',
      'server',
      'topology',
      'topology/describe',
      'upgrade',
    ],
  },
}
