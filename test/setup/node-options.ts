/** Options of processes that run test files. Only a process with the same options finds the code that V8 compiled. */
export const NODE_OPTIONS: string[] = [
  '--conditions=millrace-source',
  '--no-memory-protection-keys',
  '--single-threaded-gc',
  '--no-wasm-tier-up',
]
