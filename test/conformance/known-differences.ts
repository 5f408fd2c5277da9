/**
 * Scenarios that do not come out as recorded, and why. The suite asserts that they still differ, so none can stay here after it
 * has been mended.
 */
export const KNOWN_DIFFERENCES: ReadonlyMap<string, string> = new Map([
  ...reason('with caching, rows that never were in a store get tombstones in its changelog', [
    'found/5f1c-00122',
    'found/5f1c-00353',
    'found/5f1c-00476',
    'found/7b21-00138',
    'found/7b21-00440',
    'found/40fd-00156',
    'found/40fd-00523',
  ]),
  ...reason('an aggregate that becomes null keeps its latest time with caching', ['found/7b21-00111']),
  ...reason('a cached session that falls out of retention is removed with a result', [
    'found/40fd-00332',
    'windows-more/session-cached',
  ]),
  ...reason('all() of a window store goes by start, not by key', ['stores/window']),
  ...reason('punctuations due at once come in the order in which they were scheduled', [
    'processor-more/schedules-same',
  ]),
  ...reason('a header that is set shows in later siblings only', ['processor-more/set-header']),
  ...reason('the processing handler is not asked about an unknown child', ['processor-more/route-unknown-continue']),
  ...reason('the timestamp function of a global table is applied', ['topics/extractor-global']),
  ...reason('a cache of one byte holds rows until the commit', ['cache-more/tiny']),
  ...reason('Kafka Streams refuses the topology, which works here', [
    'branches/after-key-change-optimized',
    'stores/transform-counting-joined',
  ]),
  ...reason('what is piped into a topic that the topology writes, too, is found in its output', [
    'found/through-own-topic',
  ]),
])

function reason(text: string, scenarios: readonly string[]): [scenario: string, reason: string][] {
  return scenarios.map((name) => [name, text])
}
