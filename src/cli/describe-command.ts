import { describeJson } from '../topology/describe/describe-json.ts'
import { describeMermaid } from '../topology/describe/describe-mermaid.ts'
import { describe } from '../topology/describe/describe-text.ts'
import { loadApp } from './load-app.ts'

export interface DescribeOptions {
  readonly json?: boolean
  readonly mermaid?: boolean
}

/** Runs `millrace describe`: prints the topology to standard output. */
export async function describeApp(file: string, options: DescribeOptions): Promise<void> {
  const app = await loadApp(file)
  const topology = app.topology()
  if (options.json === true) console.log(JSON.stringify(describeJson(topology, app.id), undefined, 2))
  else if (options.mermaid === true) console.log(describeMermaid(topology))
  else process.stdout.write(describe(topology))
}
