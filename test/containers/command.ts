import { spawn } from 'node:child_process'

export interface CommandResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly cwd?: string
  readonly input?: string
  /** What a timeout ends: ms. Default: 5 minutes. */
  readonly timeout?: number
}

/** Runs a command to its end, whatever its exit code. */
export async function attempt(
  command: string,
  args: readonly string[],
  { cwd, input, timeout = 300_000 }: CommandOptions = {},
): Promise<CommandResult> {
  const child = spawn(command, args, { ...(cwd === undefined ? {} : { cwd }), stdio: 'pipe', timeout })
  const [stdout, stderr]: [string[], string[]] = [[], []]
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => stdout.push(chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => stderr.push(chunk))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { code, stdout: stdout.join(''), stderr: stderr.join('') }
}

/** Runs a command and returns its standard output. @throws Error with all that it printed, unless it ends with 0 */
export async function run(command: string, args: readonly string[], options?: CommandOptions): Promise<string> {
  const { code, stdout, stderr } = await attempt(command, args, options)
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`)
  return stdout
}
