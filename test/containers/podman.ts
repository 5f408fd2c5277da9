import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attempt, run, type CommandOptions, type CommandResult } from './command.ts'

/** Options of every command: the runtime and the manager of cgroups that need neither systemd nor cgroups v2. */
const GLOBAL = ['--runtime', 'runc', '--cgroup-manager', 'cgroupfs']

/** Limits below those of the machine: a container may not have more than the process that starts it. */
export const LIMITS = ['--ulimit', 'nofile=16384:16384', '--ulimit', 'nproc=16384:16384']

export function podman(args: readonly string[], options?: CommandOptions): Promise<string> {
  return run('podman', [...GLOBAL, ...args], options)
}

export function tryPodman(args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
  return attempt('podman', [...GLOBAL, ...args], options)
}

export interface ContainerOptions {
  readonly image: string
  readonly name: string
  /** As `podman run` takes them: `['--memory', '400m']`. */
  readonly options?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Instead of the CMD of the image. */
  readonly args?: readonly string[]
}

export interface Ended {
  readonly code: number
  readonly isOutOfMemory: boolean
}

/**
 * A container as the page about containers runs it: nobody's root, on a read-only root, without capabilities. It shares
 * the network of the machine, where the tests have their broker.
 */
export class Container {
  readonly name: string
  readonly #log: string
  readonly #directory: string

  private constructor(name: string, directory: string) {
    this.name = name
    this.#directory = directory
    this.#log = join(directory, 'log')
  }

  static async start({ image, name, options = [], env = {}, args = [] }: ContainerOptions): Promise<Container> {
    const directory = mkdtempSync(join(tmpdir(), 'millrace-container-'))
    const container = new Container(name, directory)
    const variables = Object.entries(env).flatMap(([key, value]) => ['--env', `${key}=${value}`])
    const hardened = ['--read-only', '--cap-drop', 'all', '--security-opt', 'no-new-privileges']
    const logs = ['--log-driver', 'k8s-file', '--log-opt', `path=${container.#log}`]
    const place = ['--network', 'host', ...hardened, ...LIMITS, ...logs]
    await podman(['run', '--detach', '--name', name, ...place, ...options, ...variables, image, ...args])
    return container
  }

  /** What it has printed, without the time and the stream that the log driver puts before each line. */
  get output(): string {
    return readFileSync(this.#log, 'utf8').replaceAll(/^\S+ (?:stdout|stderr) [FP] /gm, '')
  }

  /** The lines of its log, which is JSON. */
  get lines(): readonly Readonly<Record<string, unknown>>[] {
    return this.output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as Record<string, unknown>)
  }

  async isHealthy(): Promise<boolean> {
    return (await tryPodman(['healthcheck', 'run', this.name])).code === 0
  }

  exec(args: readonly string[], options?: CommandOptions): Promise<CommandResult> {
    return tryPodman(['exec', ...(options?.input === undefined ? [] : ['--interactive']), this.name, ...args], options)
  }

  /** Ends it as an orchestrator does: SIGTERM, and a minute later SIGKILL. @returns ms until it had ended */
  async stop(): Promise<number> {
    const started = performance.now()
    await podman(['stop', '--time', '60', this.name])
    return performance.now() - started
  }

  kill(): Promise<string> {
    return podman(['kill', '--signal', 'KILL', this.name])
  }

  /** Starts it again, with its volume. */
  start(): Promise<string> {
    return podman(['start', this.name])
  }

  /** Resolves when it has ended. */
  async ended(): Promise<Ended> {
    await podman(['wait', this.name])
    const [state] = JSON.parse(await podman(['inspect', '--format', 'json', this.name])) as [
      { readonly State: { readonly ExitCode: number; readonly OOMKilled: boolean } },
    ]
    return { code: state.State.ExitCode, isOutOfMemory: state.State.OOMKilled }
  }

  /** The most memory that it has used, in bytes, as the kernel has counted it, files in its cache included. */
  async mostMemory(): Promise<number> {
    const peaks = ['/sys/fs/cgroup/memory.peak', '/sys/fs/cgroup/memory/memory.max_usage_in_bytes']
    const { stdout } = await this.exec(['sh', '-c', `cat ${peaks.join(' ')} 2> /dev/null`])
    return Number(stdout.trim())
  }

  async remove(): Promise<void> {
    await podman(['rm', '--force', '--volumes', '--time', '0', '--ignore', this.name])
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
