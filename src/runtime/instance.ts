import { compareTasks } from '../group/assign-tasks.ts'
import { parseTaskId, taskIdText, type Endpoint } from '../group/group.ts'
import type { Routes } from './routes/routes.ts'
import type { StreamsStatus } from './streams-status.ts'

/** A process of an application, as another one or itself knows it. */
export interface Instance {
  /**
   * Where it is reached, `HOST:PORT`: its `advertise`, with the host in small letters and an IPv6 address in brackets.
   * Undefined if this process advertises nothing. Others that advertise nothing are not known.
   */
  readonly endpoint: string | undefined
  /** Whether it is this process. */
  readonly isLocal: boolean
  /**
   * Tasks whose stores it has, as `<subtopology>_<partition>`: of this process those that run, of another one those
   * that the group gave it. They may still be restored there.
   */
  readonly active: readonly string[]
  /** Tasks whose stores it keeps copies of. */
  readonly standby: readonly string[]
}

/** Returns this process, by what its threads do, then all others, by what the group says. */
export function instancesOf(
  own: Endpoint | undefined,
  { tasks, standbys }: Pick<StreamsStatus, 'tasks' | 'standbys'>,
  routes: Routes,
): Instance[] {
  const others = routes.all.filter(({ endpoint }) => endpoint !== own)
  return [
    { endpoint: own, isLocal: true, active: sorted(tasks), standby: sorted(standbys) },
    ...others.map(({ endpoint, active, standby }) => ({
      endpoint,
      isLocal: false,
      active: active.map(taskIdText),
      standby: standby.map(taskIdText),
    })),
  ]
}

function sorted(tasks: readonly { readonly id: string }[]): string[] {
  return tasks
    .flatMap(({ id }) => parseTaskId(id) ?? [])
    .sort(compareTasks)
    .map(taskIdText)
}
