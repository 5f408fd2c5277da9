import { expect, test } from 'vitest'
import type { TopicSpec } from 'millrace'
import { fixture } from './cli-process.ts'
import { Terminals, type Terminal } from './tmux.ts'

type Role = 'consumer' | 'producer' | 'application'
type Order = readonly [Role, Role, Role]

/** Each stands for three orders: the first of the three is ended and started again behind the others, twice. */
export const ORDERS: readonly Order[] = [
  ['consumer', 'producer', 'application'],
  ['consumer', 'application', 'producer'],
]

/** Where the three terminals meet. */
export interface TranscriptPlace {
  /** What the names of topics and of the application begin with. */
  prefix(): string
  /** Creates topics, and returns the options that name the log. @param directory one that is new */
  create(topics: readonly TopicSpec[], directory: string): Promise<string>
}

/** What the three terminals show, whichever has been there for longest. */
export function transcriptTests(place: TranscriptPlace, orders: readonly Order[]): void {
  test.concurrent.each(orders)('%s, %s, %s, and each again behind the others; Ctrl-C ends with 0', async (...order) => {
    const prefix = place.prefix()
    await using terminals = new Terminals({ TEST_PREFIX: prefix })
    const topics = ['words', 'counts'].map((name) => ({ name: `${prefix}${name}`, partitions: 2 }))
    const options = await place.create(topics, terminals.directory)
    const commands: Readonly<Record<Role, readonly [string, RegExp]>> = {
      consumer: [`millrace consume ${prefix}counts --print-key --value long ${options}`, /^reading \S*counts$/],
      producer: [`millrace produce ${prefix}words ${options}`, /^a record a line; Ctrl-D ends$/],
      application: [`millrace run ${fixture('words.ts')} ${options}`, /^tasks assigned/],
    }
    const opened = {} as Record<Role, Terminal>
    const start = async (role: Role, times: number): Promise<void> => {
      const [line, started] = commands[role]
      await opened[role].type(`${line}; echo "ended with $?"`)
      await opened[role].shows(started, times)
    }
    const end = async (role: Role, times: number): Promise<void> => {
      await opened[role].pressCtrl('c')
      await opened[role].shows(/^ended with \d+$/, times)
    }
    const count = async (word: string): Promise<void> => {
      for (const number of [1, 2]) {
        await opened.producer.type(word)
        await opened.consumer.shows(new RegExp(`^${word}\\t${number}$`))
      }
    }

    for (const role of order) {
      opened[role] = await terminals.open()
      await start(role, 1)
    }
    await count('mill')
    for (const role of order.slice(0, 2)) {
      // It may have the log open: the others go on without it.
      await end(role, 1)
      await start(role, 2)
      await count(`after-the-${role}`)
    }
    const [first, second, third] = order
    await end(third, 1)
    await end(first, 2)
    await end(second, 2)
    for (const { text } of Object.values(opened)) {
      expect(text.match(/^ended with .*$/gm)).toEqual(text.match(/^ended with 0$/gm))
      expect(text).not.toMatch(/^(error|warn)/m)
    }
    expect(opened.consumer.text).toMatch(/\d records read from /)
    expect(opened.producer.text).toMatch(/\d records written to /)
  })
}
