import { z } from '@hono/zod-openapi'
import { PACKAGE_VERSION } from '../../platform/package-version.ts'
import type { StreamsStatus } from '../../runtime/streams-status.ts'
import { jsonAnswer, respond, route, type Family } from '../http/route.ts'

const count = z.number().int().nonnegative()
const threadName = z.string().describe('the stream thread that has it')

const App = z
  .object({
    id: z.string(),
    version: z.string().describe('the version of Millrace'),
    state: z.enum(['created', 'rebalancing', 'running', 'pending-shutdown', 'not-running', 'pending-error', 'error']),
    guarantee: z.enum(['at_least_once', 'exactly_once']),
    threads: count.describe('number of stream threads'),
    lag: count.describe('records known to wait in the log for this process'),
  })
  .openapi('App')

const Task = z
  .discriminatedUnion('role', [
    z.object({
      role: z.literal('active'),
      id: z.string().describe('<sub-topology>_<partition>'),
      thread: threadName,
      streamTime: z.number().int().nullable().describe('ms since the epoch; null before the first record'),
      processed: count.describe('records'),
    }),
    z.object({
      role: z.literal('standby'),
      id: z.string().describe('<sub-topology>_<partition>'),
      thread: threadName,
      lag: count.nullable().describe('offsets of its changelogs that it does not hold; null while unknown'),
    }),
  ])
  .openapi('Task')

const Tasks = z.object({ tasks: z.array(Task) }).openapi('Tasks')

const taskIds = z.array(z.string()).readonly()

const Instance = z
  .object({
    endpoint: z.string().nullable().describe('HOST:PORT where it is reached; null if it advertises nothing'),
    isLocal: z.boolean().describe('true: the instance that answers'),
    active: taskIds.describe('tasks whose stores it has'),
    standby: taskIds.describe('tasks whose stores it keeps copies of'),
  })
  .openapi('Instance')

const Instances = z.object({ instances: z.array(Instance) }).openapi('Instances')

/** What the application is and does. */
export const application: Family = ({ streams }) => [
  route({
    method: 'get',
    path: '/v1/app',
    needs: 'read',
    summary: 'The application',
    answers: { 200: jsonAnswer('what it is, and its state', App) },
    answer() {
      const { id, settings } = streams.app
      const { threads } = settings
      const { lag } = streams.status()
      // A log in this process is exactly-once, whatever is asked for.
      const guarantee = streams.log.kind === 'kafka' ? settings.guarantee : 'exactly_once'
      return respond(App, { id, version: PACKAGE_VERSION, state: streams.state, guarantee, threads, lag })
    },
  }),
  route({
    method: 'get',
    path: '/v1/tasks',
    needs: 'read',
    summary: 'The tasks and standbys of this process',
    answers: { 200: jsonAnswer('those that run', Tasks) },
    answer: () => respond(Tasks, { tasks: tasksOf(streams.status()) }),
  }),
  route({
    method: 'get',
    path: '/v1/instances',
    needs: 'read',
    summary: 'The instances of the application that this one knows',
    answers: { 200: jsonAnswer('this one, and all others that advertise where they are reached', Instances) },
    answer() {
      const instances = streams.instances().map(({ endpoint = null, ...rest }) => ({ endpoint, ...rest }))
      return respond(Instances, { instances })
    },
  }),
]

function tasksOf({ tasks, standbys }: StreamsStatus): z.input<typeof Task>[] {
  return [
    ...tasks.map(({ id, thread, streamTime, processed }) => ({
      role: 'active' as const,
      id,
      thread,
      streamTime: streamTime < 0 ? null : streamTime,
      processed,
    })),
    ...standbys.map(({ id, thread, lag = null }) => ({ role: 'standby' as const, id, thread, lag })),
  ]
}
