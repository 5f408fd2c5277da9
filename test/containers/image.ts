import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { provideBaseImage } from './base-image.ts'
import { run } from './command.ts'
import { podman } from './podman.ts'
import { makeProject } from './project.ts'

/**
 * Builds the image of the template's application with the Dockerfile as it is shipped. The packages come from the
 * cache of this machine's npm: the build has no network. @returns the project
 */
export async function buildImage(tag: string): Promise<Project> {
  await provideBaseImage()
  const directory = mkdtempSync(join(tmpdir(), 'millrace-image-'))
  const remove = (): void => rmSync(directory, { recursive: true, force: true })
  try {
    const project = join(directory, 'project')
    await makeProject(project)
    const npmrc = join(directory, 'npmrc')
    writeFileSync(npmrc, 'offline=true\n')
    const cache = (await run('npm', ['config', 'get', 'cache'])).trim()
    await podman(
      [
        ...['build', '--quiet', '--pull=never', '--network=none', '--format=docker', '--no-cache'],
        ...['--volume', `${cache}:/root/.npm`, '--volume', `${npmrc}:/root/.npmrc:ro`],
        ...['--file', join(project, 'deploy/Dockerfile'), '--tag', tag, project],
      ],
      { cwd: project },
    )
    return { directory: project, remove }
  } catch (error) {
    remove()
    throw error
  }
}

/** The directory of a user's application, until it is removed. */
export interface Project {
  readonly directory: string
  readonly remove: () => void
}
