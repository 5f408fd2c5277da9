import { APPLICATION } from './catalogue/application.ts'
import { CONNECTORS } from './catalogue/connectors.ts'
import { PROCESS } from './catalogue/process.ts'
import { RECORDS } from './catalogue/records.ts'
import { REQUESTS } from './catalogue/requests.ts'
import { TASKS } from './catalogue/tasks.ts'
import type { MetricSpec } from './catalogue/metric.ts'

const ALL = { ...APPLICATION, ...RECORDS, ...TASKS, ...REQUESTS, ...CONNECTORS, ...PROCESS }

/** The name of a metric of the catalogue, as Prometheus sees it. */
export type MetricName = keyof typeof ALL

/** Every metric that there is. Series, help lines, instruments and the page of monitoring are made from it. */
export const METRICS: Readonly<Record<MetricName, MetricSpec>> = ALL

type LabelNames<Spec> = Spec extends { readonly labels: readonly (infer Label extends string)[] }
  ? Label | (Spec extends { readonly finer: readonly (infer Finer extends string)[] } ? Finer : never)
  : never

/** Labels that a series of a metric may have. One that is absent or empty does not apply to the series. */
export type LabelsOf<Name extends MetricName> = {
  readonly [Label in LabelNames<(typeof ALL)[Name]>]?: string | undefined
}

const NAMES = Object.keys(METRICS) as readonly MetricName[]

/** In the order of the catalogue. */
export function metricNames(): readonly MetricName[] {
  return NAMES
}

const LABELS = new Map<MetricName, readonly string[]>(
  NAMES.map((name) => [name, [...METRICS[name].labels, ...(METRICS[name].finer ?? [])]]),
)

/** Names of all labels that a series of the metric may have, the finer ones last. */
export function labelNames(metric: MetricName): readonly string[] {
  return LABELS.get(metric) ?? []
}
