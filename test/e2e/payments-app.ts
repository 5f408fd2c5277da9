import { defineApp } from 'millrace'
import type { Application } from 'millrace'
import { keepBooks } from '../../examples/payments/app.ts'
import { payments } from '../../examples/payments/topics.ts'

const prefix = process.env['TEST_PREFIX'] ?? ''
const guarantee = process.env['TEST_GUARANTEE'] === 'at_least_once' ? 'at_least_once' : 'exactly_once'

/** The books of the payments example; they commit often, as the totals that a cache holds back go out then. */
const app = defineApp({
  id: 'payments',
  guarantee,
  commitInterval: '200ms',
  build: (builder) => keepBooks(builder.stream(payments)),
})

/** With names of its own, so that several tests can share a broker. */
const renamed: Application = {
  id: prefix + app.id,
  settings: app.settings,
  topology: () => {
    const topology = app.topology()
    return { ...topology, subtopologies: topology.subtopologies.map(rename) }
  },
}

export default renamed

type Subtopology = ReturnType<Application['topology']>['subtopologies'][number]

/** The application's source topics are in no co-partition group. */
function rename(subtopology: Subtopology): Subtopology {
  const nodes = subtopology.nodes.map((node) => {
    if (node.kind === 'source' && !node.internal) return { ...node, topics: node.topics.map((name) => prefix + name) }
    if (node.kind === 'sink' && !node.internal) return { ...node, topic: `${prefix}${String(node.topic)}` }
    return node
  })
  return { ...subtopology, nodes }
}
