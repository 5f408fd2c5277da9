import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { METRICS } from 'millrace'

const root = join(import.meta.dirname, '..', '..')
const RULES = join(root, 'deploy', 'prometheus', 'rules.yml')
const DASHBOARD = join(root, 'deploy', 'grafana', 'millrace.json')

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'millrace-rules-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function promtool(...args: readonly string[]): string {
  return execFileSync('promtool', args, { encoding: 'utf8', stdio: 'pipe' })
}

function alertText(labels: string, summary: string): string {
  return `{ exp_labels: { ${labels} }, exp_annotations: { summary: "${summary}" } }`
}

/** Names in an expression that look like metrics and are none of the catalogue. */
function strangersIn(text: string): string[] {
  const names = [...text.matchAll(/\b(?:millrace|process|nodejs)_\w+/g)].map(([name]) => name)
  return names.filter((name) => !Object.hasOwn(METRICS, name.replace(/_(bucket|count|sum)$/, '')))
}

describe('the rules for Prometheus', () => {
  test('are valid, and ask for metrics of the catalogue alone', () => {
    expect(promtool('check', 'rules', RULES)).toMatch(/SUCCESS: \d+ rules found/)
    expect(strangersIn(readFileSync(RULES, 'utf8'))).toEqual([])
  })

  test('have each of their alerts explained on the page of monitoring', () => {
    const page = readFileSync(join(root, 'docs', 'monitoring.md'), 'utf8')
    const alerts = [...readFileSync(RULES, 'utf8').matchAll(/alert: (\w+)/g)].map(([, name]) => name)
    expect(alerts.filter((name) => !page.includes(`\`${name}\``))).toEqual([])
  })

  test('fire for an instance or a restore that stands still, and for the first dead letter', () => {
    const series = (name: string, values: string, labels = ''): string =>
      `      - { series: '${name}{app="a",instance="i"${labels}}', values: '${values}' }`
    const file = join(directory, 'tests.yml')
    const fires = (alert: string, minutes: number, labels = '', text = ''): string => `
      - alertname: ${alert}
        eval_time: ${minutes}m
        exp_alerts: [${labels === '' ? '' : alertText(labels, text)}]`
    writeFileSync(
      file,
      `
rule_files: [${RULES}]
evaluation_interval: 1m
tests:
  - interval: 1m
    input_series:
${[
  series('millrace_state', '1x60', ',state="running"'),
  series('millrace_task_input_lag_records', '0x10 100x50', ',topic="t"'),
  series('millrace_records_processed_total', '0+60x10 600x50', ',subtopology="0"'),
  series('millrace_restore_remaining_offsets', '900-90x5 450x55', ',store="s"'),
  series('millrace_dead_letters_total', '_x30 1x30', ',node="n",error="processing"'),
  series('millrace_commits_total', '0+0x60', ',outcome="failed"'),
].join('\n')}
    alert_rule_test:${[
      fires('MillraceStalled', 9),
      fires(
        'MillraceStalled',
        25,
        'severity: critical, app: a, instance: i',
        'a on i has records to process, and processes none',
      ),
      fires('MillraceRestoreStuck', 4),
      fires(
        'MillraceRestoreStuck',
        20,
        'severity: critical, app: a, instance: i, store: s',
        'the restore of s on i does not advance',
      ),
      fires('MillraceDeadLetters', 29),
      fires(
        'MillraceDeadLetters',
        32,
        'severity: warning, app: a, node: n, error: processing',
        'a puts records aside: processing at n',
      ),
      fires('MillraceDeadLetters', 55),
      fires('MillraceCommitsFail', 55),
      fires('MillraceFailed', 55),
    ].join('')}
`,
    )
    expect(() => promtool('test', 'rules', file)).not.toThrow()
  })
})

test('the dashboard of Grafana asks for metrics of the catalogue alone, in expressions that Prometheus reads', () => {
  const { panels } = JSON.parse(readFileSync(DASHBOARD, 'utf8')) as { readonly panels: readonly Panel[] }
  const expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
  expect(expressions.length).toBeGreaterThan(20)
  expect(expressions.flatMap(strangersIn)).toEqual([])
  const rules = expressions.map((expr, index) => {
    const filled = expr.replaceAll('$__rate_interval', '5m').replaceAll(/\$\w+/g, '.*')
    return `      - { record: 'panel:${index}', expr: ${JSON.stringify(filled)} }`
  })
  const file = join(directory, 'dashboard.yml')
  writeFileSync(file, `groups:\n  - name: dashboard\n    rules:\n${rules.join('\n')}\n`)
  expect(promtool('check', 'rules', file)).toContain(`${expressions.length} rules found`)
})
