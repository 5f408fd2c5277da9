import { oneOf, type TableOf } from '../options/options.ts'

/** How many series a snapshot has: with `task`, some have one for each task. */
export type MetricsDetail = 'node' | 'task'

/** What a snapshot is to have. */
export interface MetricsOptions {
  /** Whether metrics of tasks have a series for each task. Default: `node`, in which tasks are added up. */
  readonly detail?: MetricsDetail
}

export const METRICS_OPTIONS = {
  detail: oneOf<MetricsDetail>(['node', 'task'], {
    default: 'node',
    description: '`task`: metrics of tasks have a series for each task',
  }),
} satisfies TableOf<MetricsOptions>
