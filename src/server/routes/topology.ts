import { z } from '@hono/zod-openapi'
import { accepts } from 'hono/accepts'
import { describeJson } from '../../topology/describe/describe-json.ts'
import { describe } from '../../topology/describe/describe-text.ts'
import { respond, route, jsonAnswer, type Family } from '../http/route.ts'

const names = z.array(z.string()).readonly()

const Node = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('source'),
      name: z.string(),
      topics: names,
      internal: z.boolean(),
      children: names,
    }),
    z.object({
      kind: z.literal('processor'),
      name: z.string(),
      operator: z.string(),
      stores: names,
      parents: names,
      children: names,
    }),
    z.object({
      kind: z.literal('sink'),
      name: z.string(),
      topic: z.string().nullable().describe('null: chosen for each record'),
      internal: z.boolean(),
      partitions: z.number().optional().describe('of a repartition topic; absent: derived from other topics'),
      parents: names,
    }),
  ])
  .openapi('Node')

const TopologyStore = z
  .object({
    name: z.string(),
    kind: z.string(),
    persistent: z.boolean(),
    caching: z.boolean(),
    keySerde: z.string(),
    valueSerde: z.string(),
    changelog: z
      .union([z.literal('own'), z.object({ topic: z.string() })])
      .nullable()
      .describe('its own topic, the source topic that it is rebuilt from, or none'),
    changelogConfigs: z.record(z.string(), z.string()),
    timestamped: z.boolean().optional(),
    windowSize: z.number().optional().describe('ms'),
    retention: z.number().optional().describe('how long windows and sessions are kept, ms'),
    historyRetention: z.number().optional().describe('how far back versions are kept, ms'),
    version: z.number().optional().describe('of the shape of its values'),
    readsUpTo: z.number().optional().describe('the newest version whose values are read'),
  })
  .openapi('TopologyStore')

const Topology = z
  .object({
    application: z.string().optional().describe('its id'),
    subtopologies: z
      .array(
        z.object({
          id: z.number().int().nonnegative(),
          global: z.boolean(),
          nodes: z.array(Node).readonly(),
          copartitionGroups: z.array(names).readonly(),
        }),
      )
      .readonly(),
    stores: z.array(TopologyStore).readonly(),
  })
  .openapi('Topology')

const Store = z
  .object({
    name: z.string(),
    kind: z.string(),
    global: z.boolean().describe('true: every instance has all of it'),
    keySerde: z.string(),
    valueSerde: z.string(),
  })
  .openapi('Store')

const Stores = z.object({ stores: z.array(Store) }).openapi('Stores')

/** What the application is made of. */
export const topology: Family = ({ streams }) => [
  route({
    method: 'get',
    path: '/v1/topology',
    needs: 'read',
    summary: 'The topology, as JSON, or as text in the form of Kafka Streams',
    answers: {
      200: {
        description: 'sub-topologies, nodes and stores',
        content: { 'application/json': Topology, 'text/plain': z.string() },
      },
    },
    answer({ context }) {
      const type = accepts(context, {
        header: 'Accept',
        supports: ['application/json', 'text/plain'],
        default: 'application/json',
      })
      return type === 'text/plain'
        ? context.text(describe(streams.topology))
        : respond(Topology, describeJson(streams.topology, streams.app.id))
    },
  }),
  route({
    method: 'get',
    path: '/v1/stores',
    needs: 'read',
    summary: 'The stores of the topology',
    answers: { 200: jsonAnswer('their names and kinds', Stores) },
    answer() {
      const stores = [...streams.topology.stores.values()].map(({ spec, global }) => ({
        name: spec.name,
        kind: spec.kind,
        global,
        keySerde: spec.keySerde.name,
        valueSerde: spec.valueSerde.name,
      }))
      return respond(Stores, { stores })
    },
  }),
]
