import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { toolsClassPath } from './broker/jars.ts'

/** Kafka's own tools, by the names of their scripts. */
const CLASSES = {
  'kafka-console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'kafka-console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
  'kafka-consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
} as const

/** Runs a tool as its script does, and returns what it prints on standard output. @throws if it fails */
export async function kafkaTool(
  name: keyof typeof CLASSES,
  args: readonly string[],
  input: string | Buffer = '',
): Promise<Buffer> {
  const java = ['-Xmx192m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', await toolsClassPath()]
  return await output('java', [...java, CLASSES[name], ...args], input)
}

/** Runs a command, and returns what it prints on standard output. @throws if it fails */
export async function output(command: string, args: readonly string[], input: string | Buffer = ''): Promise<Buffer> {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'] })
  const printed: Buffer[] = []
  let said = ''
  child.stdout.on('data', (chunk: Buffer) => printed.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()))
  child.stdin.end(input)
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${String(code)}: ${said}`)
  return Buffer.concat(printed)
}
