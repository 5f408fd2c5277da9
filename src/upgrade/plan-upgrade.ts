import type { Application } from '../application/application.ts'
import { describeJson, type TopologyJson } from '../topology/describe/describe-json.ts'
import { compareStores } from './compare-stores.ts'
import { canShareGroup, compareOperators, compareSubtopologies } from './compare-tasks.ts'
import { compareOuterTopics, compareRepartitions } from './compare-topics.ts'
import { Described } from './described.ts'
import { changeOf, type UpgradeChange, type UpgradePlan } from './plan.ts'

/**
 * Says what a new version of an application keeps, loses, renumbers and changes of what the old one has: stores and
 * their changelogs, repartition topics, sub-topologies and so tasks, the group, the names that state lies under. It
 * compares descriptions alone and asks no log. What it cannot see: how functions have changed, and the partitions of
 * topics that others make.
 *
 * @param before the old version, or its description: what `millrace describe --json` printed then, or `GET
 * /v1/topology` answers now
 * @param after the new version, or its description
 * @throws MR_UPGRADE_DESCRIPTION for what is neither; MR_TOPOLOGY_… and MR_SERDE_MISSING for a topology that cannot be
 * built
 * @example
 * ```ts
 * const plan = planUpgrade(JSON.parse(readFileSync('deployed.json', 'utf8')), app)
 * if (plan.losesState) throw new Error(plan.changes.map(({ before, text }) => `${before}: ${text}`).join('\n'))
 * ```
 */
export function planUpgrade(before: Application | TopologyJson, after: Application | TopologyJson): UpgradePlan {
  const old = describedOf(before, 'the old version')
  const now = describedOf(after, 'the new version')
  const stores = compareStores(old, now)
  const repartitions = compareRepartitions(old, now)
  const names = { stores: oldNamesOf(stores), topics: oldNamesOf(repartitions) }
  const changes = [
    ...compareApplications(old, now),
    ...stores,
    ...repartitions,
    ...compareSubtopologies(old, now, names),
    ...compareOperators(old, now, names),
    ...compareOuterTopics(old, now),
  ]
  return {
    application: { before: old.application, after: now.application },
    losesState: changes.some(({ losesState }) => losesState),
    sideBySide: canShareGroup(old, now),
    changes,
  }
}

/** The names in the old version, by those in the new one. */
function oldNamesOf(changes: readonly UpgradeChange[]): ReadonlyMap<string, string> {
  return new Map(
    changes.flatMap(({ before, after }) => (before === null || after === null ? [] : [[after, before] as const])),
  )
}

function describedOf(given: Application | TopologyJson, owner: string): Described {
  const isApplication = typeof given === 'object' && given !== null && 'topology' in given
  return new Described(isApplication ? describeJson(given.topology(), given.id) : given, owner)
}

function compareApplications({ application: before }: Described, { application: after }: Described): UpgradeChange[] {
  if (before === null || after === null) return []
  const common = { subject: 'application', before, after } as const
  if (before === after) return [changeOf({ ...common, change: 'kept' })]
  return [
    changeOf({
      ...common,
      change: 'renamed',
      losesState: true,
      text: 'it has another group, other offsets and other internal topics: it begins as an application beside the old',
      hint: `Keep the id '${before}', unless both are to run, each with a state of its own.`,
    }),
  ]
}
