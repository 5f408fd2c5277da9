import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { attempt } from './command.ts'
import { CRDS } from './custom-kinds.ts'
import { built } from './manifests.ts'
import { tool } from './tools.ts'

const MODULE = 'sigs.k8s.io/kubectl-validate@v0.0.4'

/** What the code of the API server says of the manifests. The first time that code is compiled, for a minute. */
export async function complaintsOfTheApiServer(): Promise<readonly string[]> {
  const command = tool('kubectl-validate')
  if (!existsSync(command)) await install(dirname(command))
  const directory = mkdtempSync(join(tmpdir(), 'millrace-validate-'))
  try {
    mkdirSync(join(directory, 'crds'))
    copyFileSync(CRDS, join(directory, 'crds/crds.yaml'))
    const complaints: string[] = []
    const validate = async (name: string, text: string): Promise<string> => {
      const file = join(directory, `${name}.yaml`)
      writeFileSync(file, text)
      const { code, stdout, stderr } = await attempt(command, ['--local-crds', join(directory, 'crds'), file])
      return code === 0 ? '' : `${stdout}${stderr}`.trim()
    }
    for (const variant of ['statefulset', 'deployment'] as const) {
      const said = await validate(variant, await built(variant))
      if (said !== '') complaints.push(said)
    }
    // One that finds nothing in bad manifests would say nothing of good ones, either.
    const bad = await built('statefulset', (_, text) =>
      text.replaceAll('failureThreshold: 150', 'failureTreshold: 150'),
    )
    if (!(await validate('bad', bad)).includes('failureTreshold')) complaints.push('a planted mistake was not found')
    return complaints
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

async function install(directory: string): Promise<void> {
  const { code, stdout, stderr } = await attempt('env', [`GOBIN=${directory}`, 'go', 'install', MODULE], {
    timeout: 900_000,
  })
  if (code !== 0) throw new Error(`${MODULE} was not installed; that needs Go.\n${stdout}${stderr}`)
}
