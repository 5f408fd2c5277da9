import type { Step } from '../conformance/scenario.ts'
import type { Random } from '../state/support/random.ts'
import type { Flavour } from './generated-case.ts'
import { TopologyDraft } from './topology-draft.ts'
import { addAggregation, addCogroup } from './random-aggregations.ts'
import { addGlobalJoin, addStreamJoin, addStreamTableJoin, addTableJoin } from './random-joins.ts'
import { addProcessor, addSplit, addStateless } from './random-stateless.ts'
import { addTableGroup, addTableStep, addSuppress } from './random-tables.ts'

type Add = (draft: TopologyDraft) => void

/** The weight of each kind of operator. */
const KINDS: Readonly<Record<Flavour, readonly (readonly [weight: number, add: Add])[]>> = {
  any: [
    [5, addStateless],
    [1, addSplit],
    [3, addProcessor],
    [5, addAggregation],
    [1, addCogroup],
    [3, addStreamJoin],
    [2, addStreamTableJoin],
    [1, addGlobalJoin],
    [3, addTableJoin],
    [3, addTableStep],
    [2, addTableGroup],
    [2, addSuppress],
  ],
  ordered: [
    [5, addStateless],
    [1, addSplit],
    [2, addProcessor],
    [6, addAggregation],
    [2, addStreamJoin],
    [2, addStreamTableJoin],
    [1, addGlobalJoin],
    [2, addTableJoin],
    [3, addTableStep],
    [2, addTableGroup],
    [2, addSuppress],
  ],
  tables: [
    [3, addStateless],
    [5, addAggregation],
    [4, addTableJoin],
    [4, addTableStep],
    [3, addTableGroup],
    [1, addSuppress],
    [1, addGlobalJoin],
  ],
  spread: [
    [4, addStateless],
    [1, addSplit],
    [1, addProcessor],
    [5, addAggregation],
    [1, addCogroup],
    [2, addStreamJoin],
    [2, addStreamTableJoin],
    [1, addGlobalJoin],
    [2, addTableJoin],
    [2, addTableStep],
    [2, addTableGroup],
  ],
}

/** Operators that bring records of several inputs together, and some others. */
const MEETINGS: readonly (readonly [weight: number, add: Add])[] = [
  [4, addStateless],
  [3, addStreamJoin],
  [3, addStreamTableJoin],
  [2, addCogroup],
  [3, addAggregation],
  [1, addSuppress],
  [1, addTableStep],
  [1, addProcessor],
]

/** Makes steps in the language of the scenarios. What no other step reads ends in an output topic of its own. */
export function randomTopology(random: Random, flavour: Flavour, unit: number): Step[] {
  return drawn(new TopologyDraft(random, flavour, unit), 1 + random.below(3), KINDS[flavour])
}

/** Makes steps, as `randomTopology` does, in which records of several inputs are likely to meet. */
export function randomMeetings(random: Random, unit: number): Step[] {
  return drawn(new TopologyDraft(random, 'ordered', unit), 2 + random.below(2), MEETINGS)
}

function drawn(draft: TopologyDraft, sources: number, weighted: readonly (readonly [number, Add])[]): Step[] {
  const { random } = draft
  for (let i = 0; i < sources; i++) draft.addSource()
  const kinds = weighted.flatMap(([weight, add]) => Array.from({ length: weight }, () => add))
  const steps = 2 + random.below(6)
  for (let i = 0; i < steps; i++) random.pick(kinds)(draft)
  draft.addSinks()
  return draft.steps
}
