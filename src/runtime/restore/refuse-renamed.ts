import type { Log } from '../../log/log.ts'
import type { Application } from '../../application/application.ts'
import { hasGeneratedName, renamedTopics, topologyRenamed } from '../../topology/renamed-topics.ts'
import { internalTopicsOf } from '../../topology/describe/subtopologies-for-group.ts'
import type { Topology } from '../../topology/topology.ts'

/**
 * State under a generated name is lost without a word when the name changes: stores begin empty, and repartition topics
 * are never read to their end. All topics are listed only if one with a generated name is missing, as at the first
 * start.
 *
 * @throws MR_TOPOLOGY_RENAMED
 */
export async function refuseRenamed(app: Application, topology: Topology, log: Log): Promise<void> {
  const wanted = internalTopicsOf(topology, app.id)
  const generated = wanted.filter(hasGeneratedName)
  if (generated.length === 0) return
  const there = await log.describeTopics(generated)
  if (there.size === generated.length) return
  const renamed = renamedTopics(app.id, wanted, await log.listTopics())
  if (renamed.length > 0) throw topologyRenamed(app.id, renamed)
}
