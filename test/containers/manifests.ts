import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { attempt, run } from './command.ts'
import { customKinds } from './custom-kinds.ts'
import { tool } from './tools.ts'

const KUBERNETES = join(import.meta.dirname, '../../deploy/k8s')

/** An object of Kubernetes, as far as it is looked at here. */
export interface Manifest {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly [field: string]: unknown
}

export type Edit = (file: string, text: string) => string

/**
 * Copies deploy/k8s as the page about Kubernetes says, edits it, and has kubectl build it with every component.
 * @returns the objects that would be applied
 */
export async function built(variant: 'statefulset' | 'deployment', edit: Edit = (_, text) => text): Promise<string> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-manifests-'))
  try {
    cpSync(KUBERNETES, directory, { recursive: true })
    for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' })) {
      if (!name.endsWith('.yaml')) continue
      const file = join(directory, name)
      const text = readFileSync(file, 'utf8')
      writeFileSync(file, edit(name, name.endsWith('kustomization.yaml') ? withAllComponents(text) : text))
    }
    mkdirSync(join(directory, 'base/tokens'), { recursive: true })
    for (const name of ['users', 'peers']) writeFileSync(join(directory, 'base/tokens', name), `${name.repeat(4)}\n`)
    return await run(tool('kubectl'), ['kustomize', join(directory, variant)])
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function withAllComponents(text: string): string {
  return text.replaceAll('  # - ../components', '  - ../components')
}

export function manifestsIn(text: string): readonly Manifest[] {
  return parseAllDocuments(text).map((document) => document.toJS() as Manifest)
}

/** What an API server would say of these objects, with the operators in the cluster. */
export async function complaintsAbout(text: string): Promise<readonly string[]> {
  const kinds = customKinds()
  const [own, others]: [Manifest[], Manifest[]] = [[], []]
  for (const manifest of manifestsIn(text)) {
    ;(kinds.has(`${manifest.apiVersion} ${manifest.kind}`) ? others : own).push(manifest)
  }
  const complaints = others.flatMap((manifest) => {
    const check = kinds.get(`${manifest.apiVersion} ${manifest.kind}`)
    if (check?.(manifest) === true) return []
    return (check?.errors ?? []).map(
      ({ instancePath, message, params }) => `${manifest.kind} ${instancePath}: ${message} ${JSON.stringify(params)}`,
    )
  })
  return [...complaints, ...(await complaintsOfKubernetes(own))]
}

/** Those about Kubernetes' own kinds; one that nobody knows is among them. */
async function complaintsOfKubernetes(manifests: readonly Manifest[]): Promise<readonly string[]> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-kinds-'))
  try {
    // Each by itself: after the first error in a file nothing else in it is looked at.
    const files = manifests.map((manifest, index) => {
      const file = join(directory, `${index}-${manifest.kind}.json`)
      writeFileSync(file, JSON.stringify(manifest))
      return file
    })
    const { code, stdout, stderr } = await attempt(tool('kubernetes-validate'), ['--strict', '--quiet', ...files])
    const lines = `${stdout}${stderr}`.split('\n').filter((line) => /^(ERROR|WARN)/.test(line))
    if (code !== 0 && lines.length === 0) throw new Error(`kubernetes-validate ended with ${code}:\n${stdout}${stderr}`)
    return lines
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}
