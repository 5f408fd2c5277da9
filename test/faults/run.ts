/** The rounds of faults: of applications, with `connect` of connectors, with `files` of those of files. */
if (process.argv[2] === 'connect') await import('./connect/run.ts')
else if (process.argv[2] === 'files') await import('./files/run.ts')
else await import('./rounds/run.ts')
