import { join } from 'node:path'
import { expect, test } from 'vitest'
import { commandsPage } from './commands.ts'
import { root } from './snippets.ts'

test('docs/commands.md has every command as it is', async () => {
  await expect(commandsPage()).toMatchFileSnapshot(join(root, 'docs/commands.md'))
})
