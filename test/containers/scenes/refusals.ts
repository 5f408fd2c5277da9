import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Instance } from '../instance.ts'
import { podman } from '../podman.ts'

export interface Refusal {
  readonly code: string
  readonly message: string
  readonly hint: string
  readonly exitCode: number
}

/** What an application says in a volume that belongs to root. */
export async function inAVolumeOfRoot(image: string, name: string): Promise<Refusal> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-root-'))
  try {
    return await refusalOf(image, name, ['--volume', `${directory}:/data`])
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** What a second container on a volume says, while the first one runs on. */
export async function inASharedVolume(image: string, name: string): Promise<Refusal> {
  const volume = `${name}-shared`
  await podman(['volume', 'create', volume])
  const options = ['--volume', `${volume}:/data`]
  const first = await Instance.start({ image, name: `${name}-first`, options, env: { MILLRACE_DRAIN: '0s' } })
  try {
    await first.ready()
    const refusal = await refusalOf(image, name, options)
    await first.ready()
    return refusal
  } finally {
    await first.container.remove()
    await podman(['volume', 'rm', '--force', volume])
  }
}

/** Starts an application that is to be refused. @returns its last words */
export async function refusalOf(
  image: string,
  name: string,
  options: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Refusal> {
  const { container } = await Instance.start({ image, name, options, env })
  try {
    const { code: exitCode } = await container.ended()
    const last = container.lines.at(-1)
    if (last === undefined) throw new Error(`${name} ended with ${exitCode} and said nothing:\n${container.output}`)
    const text = (field: string): string => (typeof last[field] === 'string' ? last[field] : '')
    return { code: text('code'), message: text('message'), hint: text('hint'), exitCode }
  } finally {
    await container.remove()
  }
}
