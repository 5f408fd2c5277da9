import { inspect } from 'node:util'
import { defineApp, MillraceError, topic, Windowed, type AppConfig, type ReadableTopic, type Topic } from 'millrace'
import { TopologyTestDriver, type DriverOptions } from 'millrace/testing'

type Build = AppConfig['build']
type Output = ReadableTopic<unknown, unknown>
type ExampleSettings = Omit<AppConfig, 'id' | 'build'> & DriverOptions

/** What an example does with its topology: pipes records, and prints what came out without a record going in. */
export interface Example {
  readonly driver: TopologyTestDriver
  /** Feeds a record, and prints a line: the record, an arrow, and what the topology wrote because of it. */
  readonly pipe: <K, V>(topic: Topic<K, V>, key: K | null, value: V | null, timestamp: number) => void
  /** Prints what the topology has written since the last line. */
  readonly print: (label: string) => void
}

/** Runs a topology on the test driver, for the examples in this folder. It reads what is written to `outputs`. */
export function example(outputs: readonly Output[], build: Build, settings: ExampleSettings = {}): Example {
  const { partitions = 1, tasks = 'real', wallClock = 0, ...config } = settings
  const app = defineApp({ id: 'example', ...config, build })
  const driver = new TopologyTestDriver(app, { partitions, tasks, wallClock })
  const readers = outputs.map(({ name, keySerde, valueSerde }) => {
    const prefix = outputs.length > 1 ? `${name} ` : ''
    return { prefix, reader: driver.output(topic(name, { key: keySerde, value: valueSerde })) }
  })
  const written = (): string => {
    const records = readers.flatMap(({ prefix, reader }) =>
      reader.readAll().map(({ key, value, timestamp }) => prefix + shown(key, value, timestamp)),
    )
    return records.join(', ') || 'nothing'
  }
  return {
    driver,
    pipe(input, key, value, timestamp) {
      const given = `${input.name} ${shown(key, value, timestamp)}`
      try {
        driver.input(input).pipe(key, value, { timestamp })
      } catch (error) {
        if (!(error instanceof MillraceError)) throw error
        console.log(`${given} -> error ${error.code}`)
        return
      }
      console.log(`${given} -> ${written()}`)
    },
    print(label) {
      console.log(`${label} -> ${written()}`)
    },
  }
}

/** Runs the same topology and records twice: with the answers of Kafka Streams 4.3, and with Millrace's own. */
export function compare(
  outputs: readonly Output[],
  build: Build,
  play: (example: Example) => void,
  settings: Omit<ExampleSettings, 'compatibility'> = {},
): void {
  for (const compatibility of ['kafka-streams-4.3', undefined] as const) {
    console.log(`${compatibility ?? 'default'}:`)
    try {
      play(example(outputs, build, compatibility === undefined ? settings : { ...settings, compatibility }))
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error
      console.log(`error ${error.code}`)
    }
  }
}

function shown(key: unknown, value: unknown, timestamp: number): string {
  return `(${text(key)}, ${text(value)})@${timestamp}`
}

function text(part: unknown): string {
  if (typeof part === 'string') return part
  return part instanceof Windowed ? part.toString() : inspect(part, { breakLength: Infinity, depth: 5 })
}
