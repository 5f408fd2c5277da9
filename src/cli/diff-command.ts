import { readFileSync } from 'node:fs'
import type { Application } from '../application/application.ts'
import { MillraceError } from '../errors/millrace-error.ts'
import type { TopologyJson } from '../topology/describe/describe-json.ts'
import { planUpgrade } from '../upgrade/plan-upgrade.ts'
import type { UpgradeChange, UpgradePlan } from '../upgrade/plan.ts'
import { loadApp, pathOfApp } from './load-app.ts'
import { printable } from './text.ts'

export interface DiffOptions {
  readonly json?: boolean
}

/**
 * Runs `millrace diff`: prints what becomes of an application's state. Each side is a file of an application, or one
 * that holds what `millrace describe --json` has printed.
 *
 * @throws MR_UPGRADE_LOSES_STATE, when all is printed; MR_APP_MISSING, MR_APP_LOAD, MR_APP_DEFAULT,
 * MR_UPGRADE_DESCRIPTION
 */
export async function diffApps(before: string, after: string, options: DiffOptions): Promise<void> {
  const plan = planUpgrade(await versionOf(before), await versionOf(after))
  console.log(options.json === true ? JSON.stringify(plan, undefined, 2) : planText(plan))
  if (!plan.losesState) return
  const losing = plan.changes
    .filter(({ losesState }) => losesState)
    .map(({ subject, before, after }) => `${subject} ${before ?? after}`)
  throw new MillraceError('MR_UPGRADE_LOSES_STATE', `the new version would lose state of ${losing.join(', ')}`, {
    hint: 'Do what the lines above say, or accept the loss.',
  })
}

async function versionOf(file: string): Promise<Application | TopologyJson> {
  if (!file.endsWith('.json')) return loadApp(file)
  try {
    // What is missing in it, planUpgrade finds.
    return JSON.parse(readFileSync(pathOfApp(file), 'utf8')) as TopologyJson
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    throw new MillraceError('MR_UPGRADE_DESCRIPTION', `${file} is not JSON`, {
      cause,
      hint: 'Give a file with what `millrace describe --json` prints.',
    })
  }
}

/** Lays a plan out: what loses state first, then what changes, then what stays. */
function planText({ application, losesState, sideBySide, changes }: UpgradePlan): string {
  const { before, after } = application
  const name = after ?? before ?? 'The application'
  const losing = changes.filter((change) => change.losesState)
  const changing = changes.filter(({ change, losesState: loses }) => change !== 'kept' && !loses)
  const verdict = losesState ? 'would lose state' : 'keeps its state'
  return printable(
    [
      `${name} ${verdict}`,
      ...section('Loses state', losing),
      ...section('Changes', changing),
      ...keptLines(changes.filter(({ change }) => change === 'kept')),
      '',
      before !== null && after !== null && before !== after
        ? 'They are two applications: each has its own group, and neither waits for the other.'
        : sideBySide
          ? 'Instances of both versions can run side by side: replace one after the other.'
          : 'Instances of the new version wait until the last one of the old version has stopped.',
    ].join('\n'),
  )
}

function section(title: string, changes: readonly UpgradeChange[]): string[] {
  if (changes.length === 0) return []
  return ['', title, ...changes.flatMap(linesOf)]
}

function linesOf({ subject, change, before, after, text, hint }: UpgradeChange): string[] {
  const head = `  ${change.padEnd(10)}  ${subject} ${before ?? after}`
  return [head, ...[text, hint ?? ''].filter((each) => each !== '').map(indented)]
}

/** Breaks a text between words where it would be too wide to be read. */
function indented(text: string): string {
  return `    ${text.replaceAll(/(?=.{100})(.{1,99}) /g, '$1\n    ')}`
}

function keptLines(kept: readonly UpgradeChange[]): string[] {
  const bySubject = Map.groupBy(kept, ({ subject }) => subject)
  if (bySubject.size === 0) return []
  const lines = [...bySubject].map(([subject, each]) => {
    const names = each.map(({ after }) => after).join(', ')
    return `  ${subject}${each.length === 1 ? '' : 's'}: ${names}`.replace('sub-topologys', 'sub-topologies')
  })
  return ['', 'Keeps', ...lines]
}
