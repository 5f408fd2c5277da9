import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe } from 'vitest'
import { embeddedLog } from 'millrace'
import { restorePromises } from './restore-promises.ts'

let directory: string
afterEach(() => rm(directory, { recursive: true, force: true }))

describe('on the embedded log', { timeout: 60_000 }, () => {
  restorePromises(async () => {
    directory = await mkdtemp(join(tmpdir(), 'millrace-restore-log-'))
    return { kind: 'embedded', address: directory, prefix: '', open: () => embeddedLog({ directory }) }
  })
})
