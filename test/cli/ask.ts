import { vi } from 'vitest'
import { runCli } from '../../src/cli/program.ts'
import type { CliResult } from './cli-process.ts'

/** Runs a command in this process, as `millrace` runs it, and returns what it prints. One at a time. */
export async function ask(...args: readonly string[]): Promise<CliResult> {
  const printed = { stdout: '', stderr: '' }
  const spies = [
    vi.spyOn(console, 'log').mockImplementation((text: string) => void (printed.stdout += `${text}\n`)),
    vi.spyOn(process.stdout, 'write').mockImplementation((...written: readonly unknown[]) => {
      printed.stdout += String(written[0])
      const callback = written.at(-1)
      if (typeof callback === 'function') callback()
      return true
    }),
    vi.spyOn(console, 'error').mockImplementation((text: string) => void (printed.stderr += `${text}\n`)),
  ]
  try {
    return { code: await runCli(args), ...printed }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}
