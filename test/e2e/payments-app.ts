import type { Application } from 'millrace'
import app from '../../examples/payments/app.ts'

const prefix = process.env['MILLRACE_TEST_PREFIX'] ?? ''
const guarantee = process.env['MILLRACE_TEST_GUARANTEE'] === 'at_least_once' ? 'at_least_once' : app.settings.guarantee

/** The payments example with names of its own, so that several tests can share a broker. */
const renamed: Application = {
  id: prefix + app.id,
  settings: { ...app.settings, guarantee },
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
