import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { format } from 'oxfmt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Declarations, type Declaration } from './declarations.ts'
import { PUBLIC } from './files.ts'

const root = join(import.meta.dirname, '..', '..')
const style = JSON.parse(readFileSync(join(root, '.oxfmtrc.json'), 'utf8'))

let declarations: Declarations
beforeAll(async () => {
  declarations = await Declarations.emit()
})
afterAll(() => declarations[Symbol.dispose]())

/** `millrace` for `index.ts`, `kafka` for `kafka/index.ts`. */
function nameOf(entry: string): string {
  return entry === 'index.ts' ? 'millrace' : entry.split('/', 1)[0]!
}

function exportsOf(entry: string): Declaration[] {
  return declarations.exportsOf(entry.replace(/\.ts$/, ''))
}

async function expectPage(name: string, about: string, texts: readonly string[]): Promise<void> {
  const head = `// ${about}\n// Written by \`npx vitest run test/architecture/api.test.ts -u\`.`
  const { code, errors } = await format(`${name}.d.ts`, [head, ...texts].join('\n\n'), style)
  expect(errors).toEqual([])
  await expect(code).toMatchFileSnapshot(join(root, 'docs', 'api', `${name}.d.ts`))
}

describe('the public API', () => {
  test.each(PUBLIC.map((entry) => [nameOf(entry), entry]))('of %s is what docs/api shows', async (name, entry) => {
    const specifier = name === 'millrace' ? name : `millrace/${name}`
    await expectPage(
      name,
      `What \`import … from '${specifier}'\` gives: names and signatures.`,
      exportsOf(entry).map(({ text, typeOnly }) =>
        typeOnly === true && text.startsWith('export class') ? `// As a type only.\n${text}` : text,
      ),
    )
  })

  test('reaches the internal types that docs/api shows', async () => {
    const reached = declarations.reachedFrom(PUBLIC.flatMap(exportsOf))
    const files = Map.groupBy(reached, ({ file }) => file)
    const texts = [...files].map(([file, ones]) => [`// src/${file}.ts`, ...ones.map(({ text }) => text)].join('\n\n'))
    await expectPage(
      'reached',
      'Types that the public ones name, and that cannot be imported: what users see of the inside.',
      texts.map((text) => text.replaceAll(/^export /gm, '')),
    )
  })

  test('has no `any`', () => {
    const exported = PUBLIC.flatMap(exportsOf)
    const all = [...exported, ...declarations.reachedFrom(exported)]
    expect(all.filter(({ usesAny }) => usesAny).map(({ file, name }) => `${name} in ${file}`)).toEqual([])
  })

  test('is whole without what is internal, and makes no stream by hand', async () => {
    const program = `
      import { KStream, memoryLog, StreamsBuilder, string, topic, type KTable } from './index.ts'
      import { kafka } from './kafka/index.ts'
      import { serve } from './server/index.ts'
      import { TopologyTestDriver } from './testing/index.ts'

      const words = topic('words', { key: string(), value: string() })
      const lines: KStream<string, string> = new StreamsBuilder().stream(words)
      const table: KTable<string, string> = lines.toTable()
      console.log(lines instanceof KStream, table, memoryLog(), kafka, serve, TopologyTestDriver)
      // @ts-expect-error: a builder makes streams
      console.log(new KStream())
    `
    expect(await declarations.complaints(program)).toEqual([])
  })
})
