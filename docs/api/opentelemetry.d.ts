// What `import … from 'millrace/opentelemetry'` gives: names and signatures.
// Written by `npx vitest run test/architecture/api.test.ts -u`.

export function metering(meter: Meter, options?: MetricsOptions): Companion
