import { MillraceError } from '../errors/millrace-error.ts'

/** An existing topic that the topology does not use, and the empty one that it would make in its place. */
export interface RenamedTopic {
  readonly before: string
  readonly now: string
}

const GENERATED_NUMBER = /\d{10}/

/**
 * Returns the internal topics whose generated names have changed. Such names carry numbers that move with the operators
 * of a topology. A topic that is wanted and missing, and one that exists and is not wanted, are taken for the same if
 * they are of the same kind and of different numbers.
 *
 * @param wanted names of all internal topics of the topology
 * @param existing names of all topics there are
 */
export function renamedTopics(
  applicationId: string,
  wanted: readonly string[],
  existing: readonly string[],
): RenamedTopic[] {
  const there = new Set(existing)
  const used = new Set(wanted)
  const missing = generatedByKind(applicationId, wanted, (topic) => !there.has(topic))
  const unused = generatedByKind(applicationId, existing, (topic) => !used.has(topic))
  return [...missing].flatMap(([kind, topics]) => {
    const before = unused.get(kind) ?? []
    return topics.slice(0, before.length).map((now, i) => ({ before: before[i]!, now }))
  })
}

/** Groups topics with generated names by what they share but for the number, each kind in the order of its numbers. */
function generatedByKind(
  applicationId: string,
  topics: readonly string[],
  isOne: (topic: string) => boolean,
): Map<string, string[]> {
  const prefix = `${applicationId}-`
  const nameOf = (topic: string): string => topic.slice(prefix.length)
  const generated = topics.filter(
    (topic) => topic.startsWith(prefix) && GENERATED_NUMBER.test(nameOf(topic)) && isOne(topic),
  )
  return Map.groupBy(generated.toSorted(), (topic) => nameOf(topic).replace(GENERATED_NUMBER, '#'))
}

/** True if a topic's name is, or may be, a generated one. */
export function hasGeneratedName(topic: string): boolean {
  return GENERATED_NUMBER.test(topic)
}

export function topologyRenamed(applicationId: string, renamed: readonly RenamedTopic[]): MillraceError {
  const pairs = renamed.map(({ before, now }) => `"${before}" is not used any more, and "${now}" would begin empty`)
  const store = renamed.map(({ before }) => changelogStore(applicationId, before)).find((name) => name !== undefined)
  const naming =
    store === undefined
      ? 'Name what they belong to as it was named'
      : `Name the store as it was named, by the option store: '${store}'`
  return new MillraceError(
    'MR_TOPOLOGY_RENAMED',
    `generated names of the topology have changed, and with them those of internal topics: ${pairs.join('; ')}`,
    {
      topic: renamed[0]?.before,
      hint:
        `${naming}, or put the operators back into their order. If you do not need what the topics hold, ` +
        `delete them, or start over with millrace reset.`,
    },
  )
}

function changelogStore(applicationId: string, topic: string): string | undefined {
  const suffix = '-changelog'
  return topic.endsWith(suffix) ? topic.slice(applicationId.length + 1, -suffix.length) : undefined
}
