/** External packages, and the rooms that may import them. */
export const packages: Readonly<Record<string, readonly string[]>> = {
  '@hono/node-server': ['server/http'],
  '@hono/zod-openapi': ['server/http', 'server/routes', 'server/routes/dead-letters', 'server/routes/stores'],
  '@nxtedition/rocksdb': ['engine/rocksdb'],
  '@platformatic/kafka': [
    'kafka/admin',
    'kafka/cluster',
    'kafka/fetch',
    'kafka/group/classic',
    'kafka/group/member',
    'kafka/produce',
    'kafka/protocol',
    'kafka/records',
    'kafka/transaction',
  ],
  '@standard-schema/spec': ['serde'],
  'classic-level': ['engine/leveldb'],
  chokidar: ['cli'],
  'cli-progress': ['cli'],
  commander: ['cli'],
  hono: ['server/http', 'server/routes', 'server/routes/stores'],
  'temporal-polyfill': ['windowing'],
}
