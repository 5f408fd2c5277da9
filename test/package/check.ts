import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CompiledProject, RESOLUTIONS } from './compiling.ts'
import { packInto, TemporaryDirectory } from './packed.ts'

const run = promisify(execFile)
/** What the package is tried with, beside what the tests have. */
const TOOLS = ['typescript@5.9.3', 'pnpm@12.21.0', 'deno@2.9.6']

const PROGRAM = `
import { defineApp, long, string, topic } from 'millrace'
import { TopologyTestDriver } from 'millrace/testing'

const words = topic('words', { key: string(), value: string() })
const counts = topic('counts', { key: string(), value: long() })
const app = defineApp({
  id: 'counting',
  build: (builder) => builder.stream(words).groupByKey().count().toStream().to(counts),
})
using driver = new TopologyTestDriver(app)
driver.input(words).pipe('a', 'x')
driver.input(words).pipe('a', 'y')
console.log(JSON.stringify(driver.output(counts).readKeyValues()))
`
const PRINTED = '[["a",1],["a",2]]\n'

using directory = new TemporaryDirectory('check-packages')
const tools = join(directory.path, 'tools')
const tarball = await packInto(directory.path)
mkdirSync(tools)
writeFileSync(join(tools, 'package.json'), '{}')
await run('npm', ['install', '--no-audit', '--no-fund', ...TOOLS], { cwd: tools })
const bin = (name: string): string => join(tools, 'node_modules/.bin', name)

await check('TypeScript 5.9', async () => {
  const typescript = join(tools, 'node_modules/typescript')
  const project = await CompiledProject.create(tarball, join(directory.path, 'compiled'))
  for (const resolution of Object.keys(RESOLUTIONS) as (keyof typeof RESOLUTIONS)[]) {
    assert.equal(await project.compileEverything(typescript, resolution), '')
  }
  const { said, elsewhere } = await project.compileMistakes(typescript)
  assert.deepEqual(elsewhere, [])
  assert.equal(said, readFileSync(join(import.meta.dirname, 'messages/typescript-5.9.txt'), 'utf8'))
})

await check('npm', async () => {
  const project = newProject('npm')
  await run('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: project })
  await expectPrinted(project, process.execPath, 'main.ts')
})

await check('pnpm', async () => {
  const project = newProject('pnpm')
  const allowed = ['--allow-build=@nxtedition/rocksdb', '--allow-build=classic-level']
  await run(bin('pnpm'), ['add', ...allowed, tarball], { cwd: project })
  await expectPrinted(project, process.execPath, 'main.ts')
})

await check('Deno', async () => {
  const project = newProject('deno')
  await run('npm', ['install', '--no-audit', '--no-fund', tarball], { cwd: project })
  await run(bin('deno'), ['check', 'main.ts'], { cwd: project })
  await expectPrinted(project, bin('deno'), 'run', '--allow-all', 'main.ts')
})

async function check(what: string, act: () => Promise<void>): Promise<void> {
  const begin = performance.now()
  await act()
  console.log(`${what}: ${((performance.now() - begin) / 1000).toFixed(1)} s`)
}

function newProject(name: string): string {
  const project = join(directory.path, name)
  mkdirSync(project)
  writeFileSync(join(project, 'package.json'), '{ "name": "project", "type": "module" }')
  writeFileSync(join(project, 'main.ts'), PROGRAM)
  return project
}

async function expectPrinted(project: string, command: string, ...args: string[]): Promise<void> {
  const { stdout } = await run(command, args, { cwd: project, env: { ...process.env, NODE_OPTIONS: '' } })
  assert.equal(stdout, PRINTED)
}
