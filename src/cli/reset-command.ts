import { join } from 'node:path'
import { appTopics } from './app-topics.ts'
import type { LogFormat } from '../application/log-line.ts'
import type { KafkaAccess } from './kafka-access.ts'
import { confirm } from './confirm.ts'
import { loadApp } from './load-app.ts'
import { openLog } from './open-log.ts'
import { carryOutReset, planReset, type ResetPlan } from '../admin/plan-reset.ts'
import { describedReset } from '../admin/reset-application.ts'

export interface ResetOptions extends KafkaAccess {
  readonly data: string
  /** `state` in `data`, if not given. */
  readonly stateDirectory?: string
  /** ms since the epoch. */
  readonly toDatetime?: number
  readonly yes?: boolean
  readonly dryRun?: boolean
  readonly logFormat: LogFormat
}

/**
 * Runs `millrace reset`: resets the offsets of an application and deletes its internal topics and state, so that it
 * processes all its input again. Shows the plan and asks before it begins.
 *
 * @throws MR_GROUP_ACTIVE while an instance is running, MR_CLI_USAGE without a terminal to ask on, MR_CLI_DECLINED
 */
export async function resetApp(file: string, options: ResetOptions): Promise<void> {
  const app = await loadApp(file)
  const log = await openLog(options, appTopics(app.topology()).sources)
  try {
    const to = options.toDatetime === undefined ? 'earliest' : { timestamp: options.toDatetime }
    const plan = await planReset(app, log, options.stateDirectory ?? join(options.data, 'state'), to)
    console.log(options.logFormat === 'json' ? JSON.stringify(describedReset(plan)) : planText(plan))
    if (options.dryRun === true) return
    if (options.yes !== true) {
      await confirm(app.id, 'reset', 'Add --yes to go on without asking, or --dry-run to see the plan only.')
    }
    await carryOutReset(plan, log)
    console.log(options.logFormat === 'json' ? JSON.stringify({ reset: plan.app }) : `${plan.app} has been reset`)
  } finally {
    await log.close()
  }
}

function planText(plan: ResetPlan): string {
  const { offsets, internalTopics, otherTopics, stateDirectory } = describedReset(plan)
  const lines = [`reset of ${plan.app}:`]
  for (const { topic, partition, offset } of offsets)
    lines.push(`  process ${topic}/${partition} from offset ${offset}`)
  for (const topic of internalTopics) lines.push(`  delete topic ${topic}`)
  if (stateDirectory !== undefined) lines.push(`  delete directory ${stateDirectory}`)
  for (const topic of otherTopics) lines.push(`  keep topic ${topic}, which is not in the topology (any more)`)
  return lines.join('\n')
}
