import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { PACKAGE_VERSION } from '../../src/platform/package-version.ts'

test('the version that the package says of itself is that of its manifest', () => {
  const manifest: unknown = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'))
  expect(manifest).toMatchObject({ version: PACKAGE_VERSION })
})
