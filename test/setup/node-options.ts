/** Of the processes that run test files. What V8 has compiled is found again by a process with the same options only. */
export const NODE_OPTIONS: string[] = [
  '--conditions=millrace-source',
  '--no-memory-protection-keys',
  '--single-threaded-gc',
  '--no-wasm-tier-up',
]
