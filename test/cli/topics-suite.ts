import { describe, expect, test, vi } from 'vitest'
import { PartitionMap, type CommittedOffset } from '../../src/log/log.ts'
import { RecordSlice } from '../../src/record/record-slice.ts'
import { ask } from './ask.ts'
import type { CliResult } from './cli-process.ts'
import type { CommandPlace } from './records-suite.ts'

/** The promises of `topics` and `groups` on any log. */
export function topicCommandTests(place: CommandPlace): void {
  const run = (...args: readonly string[]): Promise<CliResult> => ask(...args, ...place.args())

  async function done(...args: readonly string[]): Promise<CliResult> {
    const result = await run(...args)
    expect(result).toMatchObject({ code: 0, stderr: expect.not.stringContaining('error') })
    return result
  }

  async function refused(code: string, exit: number, said: RegExp, ...args: readonly string[]): Promise<void> {
    const { stdout, stderr, ...result } = await run(...args)
    expect(stderr).toMatch(new RegExp(`^error ${code}: .*\n {2}hint: [A-Z].*\n`, 'm'))
    expect(stderr).toMatch(said)
    expect(stderr).not.toMatch(/^\s+at /m)
    expect({ ...result, stdout }).toEqual({ code: exit, stdout: '' })
  }

  /** Writes a record of each time, and commits an offset of a group. */
  async function read(topic: string, group: string, offset: number): Promise<void> {
    await place.withLog(async (log) => {
      const producer = log.openProducer()
      await producer.loadPartitionCount(topic)
      for (const time of [0, 1000, 2000, 3000])
        producer.append(topic, 0, RecordSlice.of(time, null, Buffer.from(`at ${time}`), undefined))
      await producer.flush()
      await producer.close()
      const offsets = new PartitionMap<CommittedOffset>().set(topic, 0, { offset, metadata: '' })
      await log.commitOffsets(group, offsets)
    })
  }

  test('topics are created, listed, described, altered and deleted', async () => {
    const name = place.name('topic')
    const configs = ['--config', 'retention.ms=604800000', '--config', 'max.message.bytes=2000']
    expect((await done('topics', 'create', name, '--partitions', '2', ...configs)).stderr).toContain('2 partitions')
    expect((await done('topics', 'list')).stdout.split('\n')).toContain(name)
    const { stdout } = await done('topics', 'describe', name)
    const [head = '', ...rows] = stdout.trim().split('\n')
    expect(head).toMatch(new RegExp(`^Topic: ${name}\tTopicId: .*\tPartitionCount: 2\tReplicationFactor: 1\tConfigs: `))
    expect(head).toContain('retention.ms=604800000')
    expect(rows[1]).toMatch(
      new RegExp(String.raw`^\tTopic: ${name}\tPartition: 1\tLeader: \d\tReplicas: \d\tIsr: \d\tOffsets: 0-0$`),
    )
    await done('topics', 'alter', name, '--partitions', '3', '--config', 'max.message.bytes=3000')
    await done('topics', 'alter', name, '--delete-config', 'retention.ms')
    await vi.waitFor(async () => {
      const shown = JSON.parse((await done('topics', 'describe', name, '--json')).stdout)
      expect(shown).toMatchObject({ name, configs: { 'max.message.bytes': '3000' } })
      expect(shown.partitions).toHaveLength(3)
      expect(shown.configs).not.toHaveProperty('retention.ms')
    }, 10_000)
    expect((await done('topics', 'delete', name, '--yes')).stderr).toBe(`deleted topic ${name}\n`)
    expect((await done('topics', 'list')).stdout.split('\n')).not.toContain(name)
  })

  test('the lines of kafka-topics.sh and kafka-consumer-groups.sh work as they are', async () => {
    const name = place.name('topic')
    const group = place.name('group')
    const [option = '', value = ''] = place.args()
    const server = option === '--kafka' ? ['--bootstrap-server', value] : [option, value]
    const spelt = async (...args: readonly string[]): Promise<string> => {
      const { code, stdout, stderr } = await ask(...args, ...server)
      expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.not.stringContaining('error') })
      return stdout
    }
    await spelt(
      'topics',
      '--create',
      '--topic',
      name,
      '--partitions',
      '1',
      '--replication-factor',
      '1',
      '--if-not-exists',
    )
    await spelt('topics', '--create', '--if-not-exists', '--topic', name)
    expect(await spelt('topics', '--describe', '--topic', name)).toContain('PartitionCount: 1')
    expect(await spelt('topics', '--list', '--exclude-internal')).toContain(name)
    await read(name, group, 1)
    expect(await spelt('groups', '--describe', '--group', group)).toMatch(
      new RegExp(String.raw`^GROUP +TOPIC +PARTITION +CURRENT-OFFSET.*\n${group} +${name} +0 +1 +4 +3 +-$`, 'm'),
    )
    const reset = ['groups', '--reset-offsets', '--group', group, '--topic', `${name}:0`, '--shift-by', '-1']
    expect(await spelt(...reset, '--dry-run')).toMatch(/ 0 +0$/m)
    await spelt('groups', '--delete', '--group', group, '--yes')
    await spelt('topics', '--delete', '--topic', name, '--yes')
  })

  test('a group goes on where it is put, and only with --execute', async () => {
    const [name, group] = [place.name('topic'), place.name('group')]
    await done('topics', 'create', name)
    await read(name, group, 2)
    const reset = ['groups', 'reset-offsets', group, '--topic', name]
    const offset = async (): Promise<unknown> => {
      const { offsets } = JSON.parse((await done('groups', 'describe', group, '--json')).stdout)
      return offsets[0].offset
    }
    const goneOn: unknown[] = []
    expect((await done(...reset, '--to-earliest')).stderr).toContain('--execute')
    expect(await offset()).toBe(2)
    const places: readonly (readonly [readonly string[], number])[] = [
      [['--to-earliest'], 0],
      [['--to-latest'], 4],
      [['--shift-by', '-3'], 1],
      [['--to-offset', '99'], 4],
      [['--to-datetime', '1970-01-01T00:00:01.500Z'], 2],
      [['--to-datetime', '1970-01-01T00:00:02.500'], 3],
      [['--to-datetime', '1970-01-01T01:00+0100'], 0],
      [['--to-datetime', '1500'], 2],
      [['--by-duration', '1h'], 4],
      [['--to-current'], 4],
    ]
    for (const [args] of places) {
      await done(...reset, ...args, '--execute')
      goneOn.push([args, await offset()])
    }
    expect(goneOn).toEqual(places)
    expect((await done('groups', 'list')).stdout.split('\n')).toContain(group)
    expect((await done('groups', 'describe', group, '--state', '--members')).stdout).toMatch(/STATE.*\n.*Empty/)
    await done('groups', 'delete', group, '--yes')
    expect((await done('groups', 'list')).stdout.split('\n')).not.toContain(group)
  })

  describe('bad input is one line with a code and a hint', () => {
    test('a topic that exists, or has a name or a config that there is not', async () => {
      const name = place.name('topic')
      await done('topics', 'create', name)
      await refused('MR_TOPIC_EXISTS', 1, /--if-not-exists/, 'topics', 'create', name)
      await refused('MR_TOPIC_INVALID', 1, /topic/, 'topics', 'create', 'a/b')
      await refused('MR_TOPIC_INVALID', 1, /retenshun/, 'topics', 'alter', name, '--config', 'retenshun.ms=1')
      await refused('MR_CLI_USAGE', 2, /NAME=VALUE/, 'topics', 'alter', name, '--config', 'retention.ms')
      await refused('MR_CLI_USAGE', 2, /--partitions/, 'topics', 'alter', name)
      await refused('MR_CLI_USAGE', 2, /whole number/, 'topics', 'create', 'other', '--partitions', '0')
    })

    test('fewer partitions than there are', async () => {
      const name = place.name('topic')
      await done('topics', 'create', name, '--partitions', '3')
      await refused('MR_TOPIC_INVALID', 1, /cannot have 2/, 'topics', 'alter', name, '--partitions', '2')
    })

    test('a topic or a group that there is not, with the nearest name', async () => {
      const [name, group] = [place.name('topic'), place.name('group')]
      await done('topics', 'create', name)
      await read(name, group, 0)
      for (const command of ['describe', 'alter', 'delete']) {
        const args = command === 'alter' ? ['--partitions', '2'] : []
        await refused(
          'MR_TOPIC_UNKNOWN',
          1,
          new RegExp(`Did you mean ${name}\\?`),
          'topics',
          command,
          `${name}s`,
          ...args,
        )
      }
      for (const command of ['describe', 'delete'])
        await refused('MR_GROUP_UNKNOWN', 1, new RegExp(`Did you mean ${group}\\?`), 'groups', command, `${group}s`)
    })

    test('a place to go on at that is none, or several', async () => {
      const [name, group] = [place.name('topic'), place.name('group')]
      await done('topics', 'create', name)
      const reset = ['groups', 'reset-offsets', group]
      const cases: readonly (readonly [RegExp, readonly string[]])[] = [
        [/no place was given/, ['--topic', name]],
        [/several places/, ['--topic', name, '--to-latest', '--to-earliest']],
        [/--all-topics/, ['--to-latest']],
        [/2030-01-31T12:00:00Z/, ['--topic', name, '--to-datetime', 'noon']],
        [/-100/, ['--topic', name, '--shift-by', 'back']],
        [/TOPIC:0,1/, ['--topic', `${name}:x`, '--to-latest']],
      ]
      for (const [said, args] of cases) await refused('MR_CLI_USAGE', 2, said, ...reset, ...args)
      await refused('MR_NO_OFFSET', 1, /./, ...reset, '--topic', name, '--shift-by', '1')
      await refused('MR_PARTITION_UNKNOWN', 1, /partition 0 alone/, ...reset, '--topic', `${name}:7`, '--to-latest')
    })

    test('a deletion that nobody has confirmed: in a script it is refused', async () => {
      const [name, group] = [place.name('topic'), place.name('group')]
      await done('topics', 'create', name)
      await read(name, group, 0)
      await refused('MR_CLI_USAGE', 2, /--yes/, 'topics', 'delete', name)
      await refused('MR_CLI_USAGE', 2, /--yes/, 'groups', 'delete', group)
      expect((await done('topics', 'list')).stdout.split('\n')).toContain(name)
    })
  })
}
