import type { LogFormat } from '../application/log-line.ts'
import { InstanceClient, type InstanceChoice } from './instance-client.ts'
import { columns, namedLines, timeText } from './text.ts'

export interface StatusOptions extends InstanceChoice {
  readonly json?: boolean
  readonly logFormat: LogFormat
}

/** What `/v1/app` answers. */
interface App {
  readonly id: string
  readonly version: string
  readonly state: string
  readonly guarantee: string
  readonly threads: number
  readonly lag: number
}

/** A task or a standby, as `/v1/tasks` shows it. */
interface Task {
  readonly role: string
  readonly id: string
  readonly thread: string
  readonly streamTime?: number | null
  readonly processed?: number
  readonly lag?: number | null
}

/** What a probe found, check by check. */
interface Probe {
  readonly name: (typeof PROBES)[number]
  readonly ok: boolean
  readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly message: string }[]
}

const PROBES = ['livez', 'readyz', 'startupz'] as const

/** Runs `millrace status`: what an instance is and does, and what is wrong with it. Errors as those of the client. */
export async function showStatus(options: StatusOptions): Promise<void> {
  const client = new InstanceClient(options)
  const [app, { tasks }, probes] = await Promise.all([
    client.json('v1/app', isApp),
    client.json('v1/tasks', isTasks),
    Promise.all(PROBES.map((name) => probe(client, name))),
  ])
  if (options.json === true) {
    const health = Object.fromEntries(probes.map(({ name, ok, checks }) => [name, { ok, checks }]))
    console.log(JSON.stringify({ ...app, tasks, health }, undefined, 2))
    return
  }
  console.log(textOf(app, probes))
  if (tasks.length > 0) console.log(`\n${tasksText(tasks)}`)
}

async function probe(client: InstanceClient, name: Probe['name']): Promise<Probe> {
  const text = await client.text(`${name}?verbose`, [200, 503])
  const checks = [...text.matchAll(/^\[([+-])\](\S+) (.*)$/gm)].map(([, sign, check = '', message = '']) => {
    return { name: check, ok: sign === '+', message }
  })
  return { name, ok: checks.every(({ ok }) => ok), checks }
}

function textOf({ id, version, state, guarantee, threads, lag }: App, probes: readonly Probe[]): string {
  return namedLines([
    ['application', id],
    ['state', state],
    ['guarantee', guarantee],
    ['threads', String(threads)],
    ['lag', lagText(lag)],
    ['version', version],
    ...probes.map(({ name, ok, checks }) => {
      const failed = checks.filter((check) => !check.ok).map((check) => `${check.name} ${check.message}`)
      return [name, ok ? 'ok' : failed.join('\n')]
    }),
  ])
}

function tasksText(tasks: readonly Task[]): string {
  const rows = tasks.map(({ id, role, thread, streamTime, processed, lag }) => [
    id,
    role,
    typeof streamTime === 'number' ? timeText(streamTime) : '-',
    processed === undefined ? '-' : processed.toLocaleString('en-US'),
    role === 'standby' ? lagText(lag) : '-',
    thread,
  ])
  return columns(['task', 'role', 'stream time', 'processed', 'lag', 'thread'], rows)
}

function lagText(lag: number | null | undefined): string {
  return typeof lag === 'number' ? lag.toLocaleString('en-US') : '?'
}

function isApp(value: object): value is App {
  const { id, version, state, guarantee, threads, lag } = value as Partial<App>
  const areTexts = [id, version, state, guarantee].every((each) => typeof each === 'string')
  return areTexts && typeof threads === 'number' && typeof lag === 'number'
}

function isTasks(value: object): value is { readonly tasks: readonly Task[] } {
  const { tasks } = value as { readonly tasks?: unknown }
  return (
    Array.isArray(tasks) &&
    tasks.every(({ id, role, thread }: Partial<Task>) => [id, role, thread].every((each) => typeof each === 'string'))
  )
}
