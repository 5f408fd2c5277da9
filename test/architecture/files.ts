/** Classes of the DSL return one another, as types: the only set of files that may import in a circle. */
export const DSL_CLASSES: readonly string[] = [
  'dsl/branched-kstream.ts',
  'dsl/cogrouped-kstream.ts',
  'dsl/kgrouped-stream.ts',
  'dsl/kgrouped-table.ts',
  'dsl/kstream.ts',
  'dsl/ktable.ts',
  'dsl/session-windowed-kstream.ts',
  'dsl/time-windowed-kstream.ts',
  'dsl/wrap.ts',
]

/** The files that users may import: nothing else in `src` is public, and nothing in `src` imports them. */
export const PUBLIC: readonly string[] = [
  'index.ts',
  'connect/index.ts',
  'kafka/index.ts',
  'opentelemetry/index.ts',
  'server/index.ts',
  'testing/index.ts',
]
