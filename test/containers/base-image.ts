import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { run } from './command.ts'
import { podman, tryPodman } from './podman.ts'

/** What the Dockerfile begins with. */
export const BASE = 'docker.io/library/node:24-bookworm-slim'

/** Packages that the image of Docker Hub has, too: engines link to libstdc++6. */
const PACKAGES = 'libstdc++6,ca-certificates'

/**
 * Makes an image in the place of that of Docker Hub, unless there is one: Debian's own packages, and the Node and npm
 * of this machine. Nothing is asked of a registry of images.
 */
export async function provideBaseImage(): Promise<void> {
  const { code } = await tryPodman(['image', 'exists', BASE])
  if (code === 0) return
  const directory = mkdtempSync(join(tmpdir(), 'millrace-base-'))
  try {
    const tar = join(directory, 'debian.tar')
    const variant = ['--variant=essential', `--include=${PACKAGES}`, '--format=tar', '--quiet']
    await run('mmdebstrap', [...variant, 'bookworm', tar])
    await podman(['import', '--quiet', tar, 'localhost/debian:bookworm'])
    rmSync(tar)
    const npm = join((await run('npm', ['root', '--global'])).trim(), 'npm')
    mkdirSync(join(directory, 'context'))
    cpSync(process.execPath, join(directory, 'context/node'))
    chmodSync(join(directory, 'context/node'), 0o755)
    cpSync(npm, join(directory, 'context/npm'), { recursive: true, dereference: true })
    if (!existsSync(join(directory, 'context/npm/bin/npm-cli.js'))) throw new Error(`${npm} is no npm`)
    writeFileSync(join(directory, 'Dockerfile'), DOCKERFILE)
    const file = ['--file', join(directory, 'Dockerfile')]
    await podman([
      'build',
      '--quiet',
      '--pull=never',
      '--network=host',
      ...file,
      '--tag',
      BASE,
      join(directory, 'context'),
    ])
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const DOCKERFILE = `FROM localhost/debian:bookworm
COPY node /usr/local/bin/node
COPY npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm && \\
    echo node:x:1000:1000::/home/node:/bin/bash >> /etc/passwd && install -d -o 1000 -g 1000 /home/node
`
