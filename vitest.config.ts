import { defineConfig } from 'vitest/config'
import { NODE_OPTIONS } from './test/setup/node-options.ts'

export default defineConfig({
  resolve: { conditions: ['millrace-source'] },
  ssr: { resolve: { conditions: ['millrace-source'] } },
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    pool: 'forks',
    // When workers come and go, V8 may lose track of the pages of compiled code, those of WebAssembly above all, and
    // ends the process ("Check failed: jit_page.has_value()"). So workers find their types stripped, and background
    // threads keep away from compiled code.
    globalSetup: ['test/setup/compile-cache.ts'],
    // Threads that the library starts resolve 'millrace' without vitest.
    execArgv: NODE_OPTIONS,
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
})
