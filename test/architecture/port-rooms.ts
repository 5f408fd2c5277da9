import type { Room } from './room.ts'

/* The rooms in which rows and records live: behind the ports of engines and logs. `rooms.ts` has them among all. */

type Rooms = Readonly<Record<string, Room>>

const ENGINE_BINDING = ['engine', 'engine/files', 'platform']
const CLIENT = ['errors', 'kafka/cluster', 'kafka/protocol', 'log', 'platform', 'record']

export const ENGINES: Rooms = {
  engine: { holds: 'the `KeyValueEngine` port: an ordered map from bytes to bytes', knows: ['options', 'platform'] },
  'engine/files': {
    holds: 'the directory of an engine on disk: who has it open, what is damaged or missing in it',
    knows: ['errors', 'platform'],
  },
  'engine/memory': { holds: 'the engine in memory', knows: ENGINE_BINDING },
  'engine/rocksdb': { holds: 'RocksDB', knows: ENGINE_BINDING },
  'engine/leveldb': { holds: 'LevelDB, where RocksDB has no binary', knows: [...ENGINE_BINDING, 'errors'] },
  'engine/choice': {
    holds: 'which engine an application gets, and one whose memory can be changed',
    knows: ['engine', 'engine/leveldb', 'engine/memory', 'engine/rocksdb', 'errors', 'options', 'platform'],
  },
}

export const LOGS: Rooms = {
  log: {
    holds: 'the `Log` port: topics of partitions of records, groups, offsets, transactions',
    knows: ['errors', 'group', 'metrics', 'options', 'platform', 'record'],
  },
  'log/local': {
    holds: 'what the logs without a broker share: partitions, readers, producers, their group coordinator',
    knows: ['errors', 'group', 'log', 'options', 'platform', 'record'],
  },
  'log/memory': { holds: 'the log in memory', knows: ['log', 'log/local', 'options', 'platform'] },
  'log/shared': {
    holds: 'one log that several processes use: who has it open serves it, who has not goes through that one',
    knows: ['errors', 'log', 'log/local', 'platform', 'record'],
  },
  'log/embedded': {
    holds: 'the log in a directory: over an engine, cleaned and compacted, its losses found',
    knows: [
      'engine',
      'engine/choice',
      'engine/files',
      'engine/leveldb',
      'errors',
      'log',
      'log/local',
      'log/shared',
      'options',
      'platform',
    ],
  },
  'log/backup': {
    holds: 'copies of an embedded log: made while it is open, checked, and made a log again',
    knows: ['errors', 'log/embedded', 'log/local', 'log/shared', 'platform'],
  },
}

export const KAFKA: Rooms = {
  kafka: {
    holds: '`index.ts`: what users import from `millrace/kafka`',
    knows: ['kafka/client', 'kafka/cluster', 'log', 'platform'],
  },
  'kafka/records': { holds: 'record batches: built, read, compressed', knows: ['errors', 'log', 'platform', 'record'] },
  'kafka/protocol': { holds: 'requests that no client has, and error codes', knows: ['errors', 'kafka/records'] },
  'kafka/cluster': {
    holds: 'connections to brokers: metadata, coordinators, retries, security',
    knows: ['errors', 'kafka/protocol', 'kafka/records', 'log', 'metrics', 'options', 'platform'],
  },
  'kafka/admin': { holds: 'topics and configs', knows: CLIENT },
  'kafka/fetch': { holds: 'fetching', knows: [...CLIENT, 'kafka/records'] },
  'kafka/produce': { holds: 'producing', knows: [...CLIENT, 'kafka/admin', 'kafka/records'] },
  'kafka/group/member': {
    holds: 'what a member of a group is, and its life, by whichever protocol',
    knows: [...CLIENT, 'group'],
  },
  'kafka/group/streams': {
    holds: 'membership by KIP-1071',
    knows: ['errors', 'kafka/admin', 'kafka/cluster', 'kafka/group/member', 'kafka/protocol'],
  },
  'kafka/group/classic': {
    holds: 'membership by JoinGroup and SyncGroup',
    knows: [...CLIENT, 'group', 'kafka/admin', 'kafka/group/member'],
  },
  'kafka/group': {
    holds: 'which of the two protocols; groups of any protocol, as tools see them',
    knows: [
      'errors',
      'group',
      'log',
      'kafka/cluster',
      'kafka/protocol',
      'kafka/group/classic',
      'kafka/group/member',
      'kafka/group/streams',
    ],
  },
  'kafka/transaction': { holds: 'transactions', knows: [...CLIENT, 'kafka/group/member', 'kafka/produce'] },
  'kafka/client': {
    holds: 'the `Log` port over Kafka',
    knows: [
      ...CLIENT,
      'group',
      'kafka/admin',
      'kafka/fetch',
      'kafka/group',
      'kafka/group/member',
      'kafka/produce',
      'kafka/transaction',
      'metrics',
    ],
  },
}
