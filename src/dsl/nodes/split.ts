import type { Predicate } from '../../topology/operator-spec.ts'
import type { StreamHandle } from '../handles/handles.ts'
import type { GraphNode } from '../../topology/graph/graph-node.ts'
import { validateName } from '../../topology/names.ts'
import { processorNode, streamAfter } from './stream-operator.ts'

/** A split in the making: branches are added until the topology is built. */
export interface SplitHandle {
  readonly stream: StreamHandle
  readonly name: string
  readonly node: GraphNode
  readonly predicates: Predicate[]
  readonly children: string[]
  defaultChild: string | null
}

export function split(stream: StreamHandle, name: string | undefined): SplitHandle {
  const splitName = stream.graph.names.orNext(name, 'KSTREAM-BRANCH-')
  const predicates: Predicate[] = []
  const children: string[] = []
  const node = processorNode(splitName, {}, () => ({
    op: 'branch',
    predicates,
    children,
    defaultChild: handle.defaultChild,
  }))
  const handle: SplitHandle = { stream, name: splitName, node, predicates, children, defaultChild: null }
  stream.graph.add(stream.node, node)
  return handle
}

/** Adds a branch for a predicate, or the default one. Without a name it has its position from 1 (default: 0). */
export function addBranch(handle: SplitHandle, predicate: Predicate | null, name: string | undefined): StreamHandle {
  if (predicate !== null) handle.predicates.push(predicate)
  const suffix = name ?? String(predicate === null ? 0 : handle.predicates.length)
  const branchName = validateName(handle.name + suffix)
  if (predicate === null) handle.defaultChild = branchName
  else handle.children.push(branchName)
  handle.stream.graph.names.next(branchName)
  const node = processorNode(branchName, {}, () => ({ op: 'passThrough' }))
  handle.stream.graph.add(handle.node, node)
  return streamAfter(handle.stream, node, { key: true, value: true })
}
