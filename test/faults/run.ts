/** The rounds of faults: of applications, or with `connect` of connectors. */
if (process.argv[2] === 'connect') await import('./connect/run.ts')
else await import('./rounds/run.ts')
