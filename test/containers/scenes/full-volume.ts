import { mkdtempSync, rmdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { kafka } from 'millrace/kafka'
import { Bank } from '../bank.ts'
import { Instance } from '../instance.ts'
import { run } from '../command.ts'
import type { Refusal } from './refusals.ts'

/** Enough to start, and not for the load. */
const SIZE = '1500k'

export interface FullVolume extends Refusal {
  /** Accounts whose totals are not what was paid, once another instance has done the rest. */
  readonly wrong: readonly string[]
}

/**
 * Runs an instance under load until its volume is full, and then another one with room. @returns the last words of the
 * first one, and what is wrong in the end
 */
export async function untilTheVolumeIsFull(image: string, name: string, brokers: string): Promise<FullVolume> {
  const log = kafka({ brokers })
  const bank = await Bank.open(log)
  const env = { MILLRACE_KAFKA: brokers, MILLRACE_DRAIN: '0s' }
  const volume = mkdtempSync(join(tmpdir(), 'millrace-small-'))
  await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE},uid=1000,gid=1000,mode=0700`, 'tmpfs', volume])
  const small = ['--volume', `${volume}:/data`]
  const full = await Instance.start({ image, name: `${name}-full`, options: small, env })
  try {
    bank.begin(4000)
    const { code: exitCode } = await full.container.ended()
    await bank.end()
    const last = full.container.lines.findLast(({ level }) => level === 'error') ?? {}
    const [code, message, hint] = ['code', 'message', 'hint'].map((field) => String(last[field]))
    const rest = await Instance.start({ image, name: `${name}-rest`, env })
    try {
      const wrong = await bank.wrong(AbortSignal.timeout(120_000))
      return { code: code ?? '', message: message ?? '', hint: hint ?? '', exitCode, wrong }
    } finally {
      await rest.container.remove()
    }
  } finally {
    await full.container.remove()
    await run('umount', [volume])
    rmdirSync(volume)
    await bank.close()
    await log.close()
  }
}
