import { LIMITS, podman, tryPodman } from '../podman.ts'
import { Instance } from '../instance.ts'
import { lineOf } from './lines.ts'

const MAIN = 'node_modules/millrace/dist/cli/main.js'

/** ms that an instance drains for; the least time that its stop can take. */
const DRAIN = 1000

export interface EmbeddedFigures {
  /** ms from `podman run` to the first record that is processed, with an image that was run before. */
  readonly firstRecord: number
  /** ms that a clean stop takes beyond the drain, while records come in. */
  readonly stop: number
}

/**
 * Runs the application on the embedded log in a volume: payments are written by the command in the container, it is
 * stopped under load, and goes on from there in another container. @throws Error if anything is not as the pages say
 */
export async function onTheEmbeddedLog(image: string, name: string): Promise<EmbeddedFigures> {
  const volume = `${name}-data`
  await podman(['volume', 'create', volume])
  const options = ['--volume', `${volume}:/data`]
  const env = { MILLRACE_DRAIN: `${DRAIN}ms` }
  const first = await Instance.start({ image, name, options, env })
  try {
    await first.ready()
    if (!(await first.container.isHealthy())) throw new Error(`not healthy:\n${first.container.output}`)
    await produce(first, 1000)
    await first.until('has processed them', async () => (await first.total('a-0')) === 100)
    // The load ends with the container: it is one more process in it.
    const load = first.container.exec(['sh', '-c', LOAD])
    await first.until('is under load', async () => (await first.total('load')) > 100)
    const stop = (await first.container.stop()) - DRAIN
    await load
    const { code } = await first.container.ended()
    if (code !== 0) throw new Error(`stopped with ${code}:\n${first.container.output}`)
    await first.container.remove()
    await waiting(image, options)

    const second = await Instance.start({ image, name, options, env })
    try {
      const firstRecord = await second.firstRecord()
      await second.until('has processed it', async () => (await second.total('a-0')) === 101)
      return { firstRecord, stop }
    } finally {
      await second.container.remove()
    }
  } finally {
    await first.container.remove()
    await podman(['volume', 'rm', '--force', volume])
  }
}

/** Writes payments by the command in the container: 100 for each of ten accounts, of 1,000. */
async function produce({ container }: Instance, count: number): Promise<void> {
  const input = Array.from({ length: count }, (_, index) => lineOf(`a-${index % 10}`, 100)).join('')
  const command = ['node', MAIN, 'produce', 'payments', '--json', '--data', '/data']
  const { code, stderr } = await container.exec(command, { input })
  if (code !== 0) throw new Error(`produce ended with ${code}: ${stderr}`)
}

/** Payments without end, ten thousand a second at most. */
const LOAD = `while :; do echo '${lineOf('load', 1).trim()}'; done | node ${MAIN} produce payments --json --data /data`

/** Writes a payment into the log of an application that does not run. */
async function waiting(image: string, options: readonly string[]): Promise<void> {
  const command = [
    '--no-healthcheck',
    '--entrypoint',
    'node',
    image,
    MAIN,
    'produce',
    'payments',
    '--json',
    '--data',
    '/data',
  ]
  const { code, stderr } = await tryPodman(
    ['run', '--rm', '--interactive', '--network', 'none', ...LIMITS, ...options, ...command],
    {
      input: lineOf('a-0', 100),
    },
  )
  if (code !== 0) throw new Error(`produce ended with ${code}: ${stderr}`)
}
