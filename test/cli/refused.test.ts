import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { bytes, embeddedLog, topic, TopicWriter } from 'millrace'
import { hello, WIRE_VERSION } from '../../src/log/shared/frames.ts'
import { ask } from './ask.ts'
import { CliProcess, fixture } from './cli-process.ts'
import { counts, words } from './fixtures/words.ts'
import { Terminals } from './tmux.ts'

let data = ''
beforeEach(() => (data = mkdtempSync(join(tmpdir(), 'millrace-refused-'))))
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(data, { recursive: true, force: true })
})

/** Expects one line with a code and a hint, and the exit code of a failure. */
async function refused(code: string, ...args: readonly string[]): Promise<void> {
  const { stderr, ...result } = await ask(...args, '--data', data)
  expect(stderr).toMatch(new RegExp(`^error ${code}: .*\n {2}hint: [A-Z].*\n$`))
  expect(result).toEqual({ code: 1, stdout: '' })
}

test('a group with live members is neither deleted nor put elsewhere, nor read for by another command', async () => {
  const log = await embeddedLog({ directory: join(data, 'log') })
  await log.createTopics([words, counts].map(({ name }) => ({ name, partitions: 1 })))
  await log.close()
  const running = new CliProcess(['run', fixture('words.ts'), '--data', data])
  await running.stderrMatches(/tasks assigned/)
  await refused('MR_GROUP_ACTIVE', 'groups', 'delete', 'word-count', '--yes')
  const reset = ['groups', 'reset-offsets', 'word-count', '--topic', words.name, '--to-earliest', '--execute']
  await refused('MR_GROUP_ACTIVE', ...reset)
  await refused('MR_GROUP_ACTIVE', 'consume', words.name, '-e', '--group', 'word-count')
  await refused('MR_GROUP_ACTIVE', 'reset', fixture('words.ts'), '--yes')
  running.signal('SIGINT')
  expect(await running.result()).toMatchObject({ code: 0 })
})

test('a socket of another version, or of another user, is refused', async () => {
  // It is locked and not served, so that the socket is another process's.
  const held = await embeddedLog({ directory: join(data, 'log'), attach: false })
  const server = createServer((socket) => socket.write(hello(WIRE_VERSION + 1)))
  server.listen(join(data, 'log', 'millrace.sock'))
  await once(server, 'listening')
  await refused('MR_ATTACH_VERSION', 'topics', 'list')
  vi.spyOn(process, 'geteuid').mockReturnValue(12_345)
  await refused('MR_ATTACH_OWNER', 'topics', 'list')
  vi.restoreAllMocks()
  server.close()
  await held.close()
})

test('binary values are not printed on a terminal', async () => {
  const log = await embeddedLog({ directory: join(data, 'log') })
  const binary = topic('binary', { key: bytes(), value: bytes() })
  await log.createTopics([{ name: binary.name, partitions: 1 }])
  const writer = await TopicWriter.open(log, binary)
  writer.write(null, Buffer.of(0xff, 0x1b, 0x5b))
  await writer.close()
  await log.close()
  await using terminals = new Terminals()
  const terminal = await terminals.open()
  await terminal.type(`millrace consume binary -e --value text --data ${data}; echo "ended with $?"`)
  await terminal.shows(/^ended with 1$/)
  expect(terminal.text).toMatch(/^error MR_CLI_BINARY: .*\n {2}hint: [A-Z]/m)
})
