import type { Described, ProcessorJson, SubtopologyJson } from './described.ts'
import { changeOf, type UpgradeChange } from './plan.ts'

/** The names in the old version of what has a name in the new one: stores, and repartition topics. */
export interface OldNames {
  readonly stores: ReadonlyMap<string, string>
  readonly topics: ReadonlyMap<string, string>
}

/** Finds what becomes of sub-topologies, which tasks and their directories are named after. */
export function compareSubtopologies(old: Described, now: Described, names: OldNames): UpgradeChange[] {
  const left = new Set(old.json.subtopologies)
  const changes = now.json.subtopologies.map((subtopology) => {
    const before = likest(subtopology, left, names)
    if (before === undefined) {
      return changeOf({ subject: 'sub-topology', change: 'added', after: String(subtopology.id), text: 'new tasks' })
    }
    left.delete(before)
    return compared(before, subtopology, names)
  })
  return [
    ...changes,
    ...[...left].map(({ id }) =>
      changeOf({ subject: 'sub-topology', change: 'lost', before: String(id), text: 'its tasks are gone' }),
    ),
  ]
}

/** Returns the sub-topology that has most in common; undefined if none has anything. */
function likest(
  subtopology: SubtopologyJson,
  among: ReadonlySet<SubtopologyJson>,
  names: OldNames,
): SubtopologyJson | undefined {
  const parts = partsOf(subtopology, names)
  let best: SubtopologyJson | undefined
  let most = 0
  for (const other of among) {
    const common = [...partsOf(other, SAME)].filter((part) => parts.has(part)).length
    if (other.global !== subtopology.global || common <= most) continue
    best = other
    most = common
  }
  return best
}

const SAME: OldNames = { stores: new Map(), topics: new Map() }

function partsOf({ nodes }: SubtopologyJson, { stores, topics }: OldNames): Set<string> {
  return new Set(
    nodes.flatMap((node) => {
      if (node.kind === 'source') return node.topics.map((topic) => `topic ${topics.get(topic) ?? topic}`)
      return node.kind === 'processor' ? node.stores.map((store) => `store ${stores.get(store) ?? store}`) : []
    }),
  )
}

function compared(one: SubtopologyJson, other: SubtopologyJson, names: OldNames): UpgradeChange {
  const [before, after] = [String(one.id), String(other.id)]
  const common = { subject: 'sub-topology', before, after } as const
  const hasStores = other.nodes.some((node) => node.kind === 'processor' && node.stores.length > 0)
  const [were, are] = [topicsOf(one, SAME), topicsOf(other, names)]
  const reads =
    were === are || !hasStores || one.global
      ? ''
      : `its tasks read ${are} now, and read ${were} before: if the greatest number of partitions among these is ` +
        'another than before, its changelogs do not fit it any more'
  const moved =
    before === after
      ? ''
      : `tasks ${before}_… are tasks ${after}_… now` +
        (hasStores ? ': their stores are restored from changelogs, as directories are named after tasks' : '')
  const text = [moved, reads].filter((each) => each !== '').join('; ')
  const change = moved !== '' ? 'renumbered' : text === '' ? 'kept' : 'changed'
  return changeOf({
    ...common,
    change,
    text,
    hint: reads === '' ? null : 'Compare them by `millrace topics describe`.',
  })
}

function topicsOf({ nodes }: SubtopologyJson, { topics }: OldNames): string {
  return nodes
    .flatMap((node) => (node.kind === 'source' ? node.topics : []))
    .map((topic) => topics.get(topic) ?? topic)
    .toSorted()
    .join(', ')
}

/** Operators whose stream time is kept under the name of their node. */
const TIMED = new Set([
  'windowAggregate',
  'periodAggregate',
  'slidingAggregate',
  'sessionAggregate',
  'suppress',
  'streamTableJoin',
])

/** Finds operators that keep their stores and forget their stream time, since their nodes have other names. */
export function compareOperators(old: Described, now: Described, { stores }: OldNames): UpgradeChange[] {
  const key = ({ operator, stores: its }: ProcessorJson, nameOf: (store: string) => string): string =>
    JSON.stringify([operator, its.map(nameOf).toSorted()])
  const isTimed = ({ operator, stores: its }: ProcessorJson): boolean => TIMED.has(operator) && its.length > 0
  const before = new Map(old.processors.filter(isTimed).map((node) => [key(node, (store) => store), node.name]))
  return now.processors.filter(isTimed).flatMap((node) => {
    const was = before.get(key(node, (store) => stores.get(store) ?? store))
    if (was === undefined || was === node.name) return []
    return changeOf({
      subject: 'operator',
      change: 'renumbered',
      before: was,
      after: node.name,
      text: 'its stream time begins again: records that are too late for closed windows may be taken until it is back',
      hint: `Name the operator as it was: name: '${was}'.`,
    })
  })
}

/**
 * True if the group can have members of both: it compares what each says of sub-topologies, their topics and their
 * partitions.
 */
export function canShareGroup(old: Described, now: Described): boolean {
  if (old.application !== null && now.application !== null && old.application !== now.application) return true
  return groupText(old) === groupText(now)
}

function groupText(described: Described): string {
  const subtopologies = described.json.subtopologies.filter(({ global }) => !global)
  return JSON.stringify(
    subtopologies.map(({ id, nodes, copartitionGroups }) => {
      const topics = nodes.flatMap((node) => (node.kind === 'source' ? node.topics : []))
      const sinks = nodes.flatMap((node) => (node.kind === 'sink' && node.internal ? [node.topic] : []))
      const stores = new Set(nodes.flatMap((node) => (node.kind === 'processor' ? node.stores : [])))
      const changelogs = [...stores].flatMap((name) => {
        const store = described.stores.get(name)
        return store?.changelog === 'own' ? [[name, Object.entries(store.changelogConfigs).toSorted()]] : []
      })
      const partitions = topics.map((topic) => [topic, described.repartitions.get(topic)])
      return [
        id,
        partitions.toSorted(),
        sinks.toSorted(),
        changelogs.toSorted(),
        copartitionGroups.map((group) => group.toSorted()).toSorted(),
      ]
    }),
  )
}
