import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { embeddedLog, memoryLog } from 'millrace'
import { afterAll } from 'vitest'
import { uniqueName } from '../kafka/broker/index.ts'
import { describeDeadLetters, describeUnusualLetters } from './suite.ts'

const directory = mkdtempSync(join(tmpdir(), 'millrace-letters-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

describeDeadLetters('a memory log', () => Promise.resolve(memoryLog()), uniqueName)
describeDeadLetters('an embedded log', () => embeddedLog({ directory, fsync: false }), uniqueName)
describeUnusualLetters('a memory log', () => Promise.resolve(memoryLog()), uniqueName)
