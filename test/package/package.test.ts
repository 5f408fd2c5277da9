import { execFile } from 'node:child_process'
import { readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CompiledProject, OWN_TYPESCRIPT, RESOLUTIONS } from './compiling.ts'
import { foreignImports } from './declarations.ts'
import { packInto, root, TemporaryDirectory } from './packed.ts'

const directory = new TemporaryDirectory('package')
const project = join(directory.path, 'project')
let compiled: CompiledProject

beforeAll(async () => {
  compiled = await CompiledProject.create(await packInto(directory.path), project)
})
afterAll(() => directory[Symbol.dispose]())

test.each(Object.keys(RESOLUTIONS) as (keyof typeof RESOLUTIONS)[])(
  'all declarations of the package compile with %s and skipLibCheck: false',
  async (resolution) => {
    expect(await compiled.compileEverything(OWN_TYPESCRIPT, resolution)).toBe('')
  },
)

test('with nodenext, the compiler complains of the mistakes in a program alone, and names the field', async () => {
  const { said, elsewhere } = await compiled.compileMistakes(OWN_TYPESCRIPT)
  expect(elsewhere).toEqual([])
  await expect(said).toMatchFileSnapshot('messages/typescript-7.txt')
})

test('public declarations import no package but @standard-schema/spec, and what millrace/opentelemetry is for', () => {
  expect(foreignImports(compiled.library)).toEqual({
    '@standard-schema/spec': ['dist/serde/json.d.ts'],
    // Programs that import millrace/opentelemetry have this peer: its meter and its tracer are what it takes.
    '@opentelemetry/api': ['dist/opentelemetry/metering.d.ts', 'dist/opentelemetry/tracing.d.ts'],
  })
})

test('the package has no source maps: they would lead to sources that it does not have', () => {
  const files = readdirSync(compiled.library, { recursive: true, encoding: 'utf8' })
  expect(files.filter((file) => !file.startsWith('node_modules') && file.endsWith('.map'))).toEqual([])
  expect(files.filter((file) => file.startsWith('src'))).toEqual([])
})

const APP = `import { defineApp, string, topic } from 'millrace'

const words = topic('words', { key: string(), value: string() })

export const app = defineApp({
  id: 'lengths',
  build: (builder) => {
    builder
      .stream(words)
      .groupBy((word) => word.length)
      .count({ store: 'counts' })
  },
})
`

describe('an error that nobody catches', () => {
  beforeAll(() => writeFileSync(join(project, 'app.js'), APP))

  test('is printed by Node with code, hint and the line of the user', async () => {
    writeFileSync(join(project, 'main.js'), "import { app } from './app.js'\n\napp.topology()\n")
    const { code, printed } = await runNode('main.js')
    expect(code).toBe(1)
    expect(printed).toContain('MillraceError [MR_SERDE_MISSING]: groupBy() at app.js:10:8: no key serde for the')
    expect(printed).toMatch(/\n {4}at .*app\.js:10:8\)\n/)
    expect(printed).toMatch(/\n {2}hint: 'Give the operator the option `key`/)
    expect(printed).not.toContain('undefined')
  })

  test('is printed by vitest with code, hint and the line of the user', async () => {
    symlinkSync(join(root, 'node_modules/vitest'), join(project, 'node_modules/vitest'))
    const program =
      "import { test } from 'vitest'\nimport { app } from './app.js'\n\ntest('it builds', () => void app.topology())\n"
    writeFileSync(join(project, 'app.test.js'), program)
    const { code, printed } = await runNode('node_modules/vitest/vitest.mjs', 'run', '--root', project)
    expect(code).toBe(1)
    expect(printed).toContain('MillraceError: [MR_SERDE_MISSING] groupBy()')
    expect(printed).toContain('Give the operator the option `key`')
    expect(printed).toMatch(/app\.js:10:8\n/)
    expect(printed).toMatch(/10\|\s+\.groupBy\(\(word\) => word\.length\)/)
  })
})

async function runNode(...args: string[]): Promise<{ readonly code: unknown; readonly printed: string }> {
  const env = { ...process.env, NODE_OPTIONS: '', NO_COLOR: '1', VITEST: '' }
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { cwd: project, env })
    return { code: 0, printed: stdout + stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as {
      readonly code: unknown
      readonly stdout: string
      readonly stderr: string
    }
    return { code, printed: stdout + stderr }
  }
}
