import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['millrace-source'] },
  ssr: { resolve: { conditions: ['millrace-source'] } },
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    pool: 'forks',
    // Threads that the library starts resolve 'millrace' without vitest. When workers come and go, V8 may lose track of the pages of
    // compiled code in its background threads and ends the process ("Check failed: jit_page.has_value()"): they do without.
    execArgv: [
      '--conditions=millrace-source',
      '--no-memory-protection-keys',
      '--single-threaded-gc',
      '--no-wasm-tier-up',
    ],
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 300_000,
  },
})
