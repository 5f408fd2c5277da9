import { MillraceError } from '../errors/millrace-error.ts'

/** A topic that exists although the topology has no use for it, and the one that it would make in its place, empty. */
export interface RenamedTopic {
  readonly before: string
  readonly now: string
}

const GENERATED_NUMBER = /\d{10}/

/**
 * The internal topics whose generated names have changed. Names carry numbers that move with the operators of a topology: one
 * that it wants and that is missing, beside one that exists and that it does not want, both of the same kind and of different numbers,
 * are taken for the same.
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
  const missing = byKind(
    applicationId,
    wanted.filter((topic) => !there.has(topic)),
  )
  const used = new Set(wanted)
  const unused = byKind(
    applicationId,
    existing.filter((topic) => !used.has(topic)),
  )
  return [...missing].flatMap(([kind, topics]) => {
    const before = unused.get(kind) ?? []
    return topics.slice(0, before.length).map((now, i) => ({ before: before[i]!, now }))
  })
}

/** Topics with generated names by what they have in common but for the number, each kind in the order of its numbers. */
function byKind(applicationId: string, topics: readonly string[]): Map<string, string[]> {
  const prefix = `${applicationId}-`
  const kinds = new Map<string, string[]>()
  for (const topic of topics.toSorted()) {
    const name = topic.slice(prefix.length)
    if (!topic.startsWith(prefix) || !GENERATED_NUMBER.test(name)) continue
    const kind = name.replace(GENERATED_NUMBER, '#')
    const known = kinds.get(kind)
    if (known === undefined) kinds.set(kind, [topic])
    else known.push(topic)
  }
  return kinds
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
      ? 'Name what they belong to as it was called'
      : `Name the store as it was called, by the option store: '${store}'`
  return new MillraceError(
    'MR_TOPOLOGY_RENAMED',
    `generated names of the topology have changed, and with them those of internal topics: ${pairs.join('; ')}`,
    {
      topic: renamed[0]?.before,
      hint: `${naming}, or put the operators in the order in which they were. If what the topics hold is not wanted, delete them, or start over with millrace reset.`,
    },
  )
}

function changelogStore(applicationId: string, topic: string): string | undefined {
  const suffix = '-changelog'
  return topic.endsWith(suffix) ? topic.slice(applicationId.length + 1, -suffix.length) : undefined
}
