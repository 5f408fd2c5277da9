import { setImmediate } from 'node:timers/promises'
import { z } from '@hono/zod-openapi'
import { accepts } from 'hono/accepts'
import type { MetricName } from '../../metrics/catalogue.ts'
import { CONTENT_TYPES, exposition } from '../../metrics/exposition.ts'
import { Reply } from '../http/reply.ts'
import { jsonAnswer, respond, route, type Family } from '../http/route.ts'

const labels = z.record(z.string(), z.string()).describe('one that does not apply is absent')
const head = {
  name: z.custom<MetricName>().openapi({ type: 'string' }),
  unit: z.enum(['seconds', 'bytes', 'records', 'offsets', 'entries', 'tasks', 'threads', 'times', 'yes or no']),
  help: z.string().describe('what it means'),
}

const Metric = z
  .discriminatedUnion('type', [
    z.object({
      type: z.enum(['counter', 'gauge']).describe('a counter starts at 0 with the process'),
      ...head,
      series: z.array(z.object({ labels, value: z.number() })).readonly(),
    }),
    z.object({
      type: z.literal('histogram'),
      ...head,
      bounds: z.array(z.number()).readonly().describe('upper bounds of the buckets, ascending'),
      series: z
        .array(
          z.object({
            labels,
            count: z.number().int().nonnegative(),
            sum: z.number(),
            buckets: z.array(z.number().int().nonnegative()).readonly().describe('for each bound, values at most that'),
          }),
        )
        .readonly(),
    }),
  ])
  .openapi('Metric')

const Snapshot = z
  .object({
    app: z.string().describe('the id of the application'),
    instance: z.string().describe('HOST:PORT where it is reached, or its process id'),
    time: z.number().int().describe('ms since the epoch'),
    metrics: z.array(Metric).readonly().describe('those that have a value'),
  })
  .openapi('MetricsSnapshot')

const query = {
  detail: z.enum(['node', 'task']).optional().describe('task: a series for each task, where tasks are counted'),
}

/** What this instance has counted. As the probes, `/metrics` is there for everybody: it has neither keys nor values. */
export const metrics: Family = ({ streams }) => [
  route({
    method: 'get',
    path: '/metrics',
    needs: 'nothing',
    summary: 'The metrics of this instance as Prometheus reads them, or as OpenMetrics',
    query,
    answers: {
      200: {
        description: 'all that have a value',
        content: { 'text/plain': z.string(), 'application/openmetrics-text': z.string() },
      },
    },
    async answer({ query: { detail = 'node' }, context }) {
      const type = accepts(context, {
        header: 'Accept',
        supports: ['text/plain', 'application/openmetrics-text'],
        default: 'text/plain',
      })
      const format = type === 'text/plain' ? 'prometheus' : 'openmetrics'
      let text = ''
      for (const piece of exposition(streams.metrics({ detail }), format)) {
        text += piece
        await setImmediate()
      }
      return new Reply(200, { 'content-type': CONTENT_TYPES[format] }, text)
    },
  }),
  route({
    method: 'get',
    path: '/v1/metrics',
    needs: 'read',
    summary: 'The metrics of this instance',
    query,
    answers: { 200: jsonAnswer('all that have a value', Snapshot) },
    answer: ({ query: { detail = 'node' } }) => respond(Snapshot, streams.metrics({ detail })),
  }),
]
