import type { JSX } from 'preact'
import type { InstanceView, SeenInstance, ShownRestore, ShownTask } from '../../../src/server/routes/console/shown.ts'
import { taskKey } from '../data/figures.ts'
import { overview, totals } from '../data/overview.ts'
import { countText, durationText, percentText, plural, rateText, timeText, wholeText } from '../data/text.ts'
import { Badge, Meter, Panel } from '../ui/parts.tsx'

/** Which instance has which task, how far it is, and what is on its way. */
export function TasksPage(): JSX.Element {
  const instances = overview.value?.instances ?? []
  const ids = [...new Set(instances.flatMap(idsOf))].toSorted(byTask)
  const restores = instances.flatMap(({ view }) => view?.restores ?? [])
  return (
    <div class="page">
      {restores.length === 0 ? null : (
        <Panel title="Restoring" aside={<Badge tone="warn">{plural(restores.length, 'store')}</Badge>}>
          <ul class="restores">
            {restores.map((restore) => (
              <Restore key={`${restore.task} ${restore.store}`} restore={restore} />
            ))}
          </ul>
        </Panel>
      )}
      <Panel title="Tasks by instance" aside={<Legend />}>
        <div class="scroll" tabIndex={0} role="region" aria-label="Tasks by instance">
          <table class="matrix">
            <thead>
              <tr>
                <th scope="col">Task</th>
                {instances.map((instance) => (
                  <th scope="col" key={nameOf(instance)}>
                    <InstanceHead instance={instance} />
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {ids.map((id) => (
                <tr key={id} data-task={id}>
                  <th scope="row" class="mono">
                    {id}
                  </th>
                  {instances.map((instance) => (
                    <td key={nameOf(instance)}>
                      <Cell instance={instance} id={id} />
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Panel>
    </div>
  )
}

function nameOf({ endpoint }: SeenInstance): string {
  return endpoint ?? 'this instance'
}

function idsOf({ view, active, standby }: SeenInstance): string[] {
  const restoring = view?.restores.map(({ task }) => task) ?? []
  return [...(view?.tasks.map(({ id }) => id) ?? []), ...restoring, ...active, ...standby]
}

function byTask(a: string, b: string): number {
  const [subA = 0, partA = 0] = a.split('_').map(Number)
  const [subB = 0, partB = 0] = b.split('_').map(Number)
  return subA - subB || partA - partB
}

function Legend(): JSX.Element {
  return (
    <ul class="legend">
      <li>
        <i class="active" /> active
      </li>
      <li>
        <i class="standby" /> standby
      </li>
      <li>
        <i class="restoring" /> restoring
      </li>
    </ul>
  )
}

function InstanceHead({ instance }: { readonly instance: SeenInstance }): JSX.Element {
  const { view, problem, isLocal } = instance
  const state = problem === undefined ? (view?.state ?? 'not asked yet') : 'no answer'
  const isFine = problem === undefined && view?.state === 'running'
  return (
    <div class="instance-head">
      <span class="mono">{nameOf(instance)}</span>
      <span>
        <Badge tone={isFine ? 'good' : 'warn'}>
          <i class="dot" />
          {state}
        </Badge>
        {isLocal ? <span class="muted"> asked here</span> : null}
      </span>
    </div>
  )
}

function Cell({ instance, id }: { readonly instance: SeenInstance; readonly id: string }): JSX.Element | null {
  const { view, active, standby } = instance
  const restores = view?.restores.filter(({ task }) => task === id) ?? []
  if (restores.length > 0) return <Restoring restores={restores} />
  const task = view?.tasks.find((each) => each.id === id)
  if (task !== undefined) return <Running task={task} view={view!} />
  // What the group has given to an instance that shows nothing of itself, or has not begun with it.
  if (active.includes(id)) return <State kind="active" title="active" detail="assigned" />
  return standby.includes(id) ? <State kind="standby" title="standby" detail="assigned" /> : null
}

function State(props: { kind: string; title: string; detail: string; aside?: string }): JSX.Element {
  return (
    <div class={`task ${props.kind}`} data-role={props.kind}>
      <i class={props.kind} />
      <span class="task-title">{props.title}</span>
      <span class="task-aside">{props.aside ?? ''}</span>
      <span class="task-detail">{props.detail}</span>
    </div>
  )
}

function Running({ task, view }: { readonly task: ShownTask; readonly view: InstanceView }): JSX.Element {
  if (task.role === 'standby') {
    const lag = task.lag === null ? 'lag unknown' : task.lag === 0 ? 'up to date' : `${wholeText(task.lag)} behind`
    return <State kind="standby" title="standby" detail={lag} />
  }
  const rate = totals.value?.tasks.get(taskKey(view.instance, task.id))
  const time = task.streamTime === null ? 'no record yet' : timeText(task.streamTime)
  const lag = lagOf(view, task.id)
  const detail = lag === 0 ? time : `${time} · ${countText(lag)} wait`
  return (
    <State kind="active" title={`${wholeText(task.processed)} records`} detail={detail} aside={`${rateText(rate)}/s`} />
  )
}

/** Returns how many records of all its topics wait for a task. */
function lagOf({ metrics }: InstanceView, task: string): number {
  const series = metrics.find(({ name }) => name === 'millrace_task_input_lag_records')?.series ?? []
  return series.reduce((sum, { labels, value = 0 }) => (labels['task'] === task ? sum + value : sum), 0)
}

function Restoring({ restores }: { readonly restores: readonly ShownRestore[] }): JSX.Element {
  const done = restores.reduce((sum, { from, position }) => sum + position - from, 0)
  const all = restores.reduce((sum, { from, end }) => sum + end - from, 0)
  const share = all === 0 ? 1 : done / all
  return (
    <div class="task restoring" data-role="restoring">
      <i class="restoring" />
      <span class="task-title">restoring</span>
      <span class="task-aside">{percentText(share)}</span>
      <Meter share={share} label="restored" />
    </div>
  )
}

function Restore({ restore }: { readonly restore: ShownRestore }): JSX.Element {
  const { task, store, from, position, end, rate } = restore
  const share = end === from ? 1 : (position - from) / (end - from)
  const left = Math.max(0, end - position)
  const eta = left === 0 ? 'done' : rate > 0 ? `${durationText((left / rate) * 1000)} left` : 'waiting'
  return (
    <li>
      <span>
        <b>{store}</b> <span class="mono muted">{task}</span>
      </span>
      <span class="numbers">
        {wholeText(position - from)} of {wholeText(end - from)} · {rateText(rate)}/s · {eta}
      </span>
      <Meter share={share} label={`restore of ${store}`} />
    </li>
  )
}
