import type { BranchOptions, KStream } from '../../src/index.ts'
import { expression } from './expressions.ts'
import type { BranchStep, Step } from './scenario.ts'
import { named } from './step-options.ts'
import type { Types } from './step-result.ts'

type Stream = KStream<unknown, unknown>

/** The branches of a `split` by the ids of their steps: passed to `use`, or found in the result, as the step says. */
export function splitStep(step: Step, stream: Stream, { key, value }: Types): ReadonlyMap<string, Stream> {
  const branches = new Map<string, Stream>()
  const optionsOf = (branch: BranchStep): BranchOptions<unknown, unknown> => {
    const name = branch.name === undefined ? {} : { name: branch.name }
    switch (branch.via) {
      case 'map':
        return name
      case 'null':
        return { ...name, use: () => null }
      case 'function': {
        const { evaluate } = expression(branch.fn ?? 'v', key, value)
        return { ...name, use: (taken) => taken.mapValues(evaluate) }
      }
      default:
        return { ...name, use: (taken) => void branches.set(branch.id, taken) }
    }
  }

  const split = stream.split(named(step))
  const declared: BranchStep[] = []
  for (const branch of step.branches ?? []) {
    const { evaluate } = expression(branch.pred, key, value)
    split.branch((v, k) => evaluate(v, k) === true, optionsOf(branch))
    declared.push(branch)
  }
  if (step.default !== undefined) declared.push(step.default)
  const found: ReadonlyMap<string, Stream> =
    step.default === undefined ? split.noDefaultBranch() : split.defaultBranch(optionsOf(step.default))

  const keys = [...found.keys()].sort().join(',')
  if (step.keys !== undefined && step.keys !== keys) throw new Error(`${step.id} has the branches ${keys}`)
  for (const { id, via, mapKey } of declared) {
    if (via !== 'map' && via !== 'function') continue
    const branch = found.get(mapKey ?? '')
    if (branch === undefined) throw new Error(`${step.id} has no branch ${mapKey}`)
    branches.set(id, branch)
  }
  return branches
}
