import { MillraceError } from '../errors/millrace-error.ts'
import { changelogTopicName, internalTopicName } from '../topology/internal-topic-names.ts'
import type { NodeJson, StoreJson, TopologyJson } from '../topology/describe/describe-json.ts'

export type SubtopologyJson = TopologyJson['subtopologies'][number]
export type ProcessorJson = Extract<NodeJson, { kind: 'processor' }>

const GENERATED_NUMBER = /\d{10}/

/** True for a name that has a number which moves with the operators of the topology. */
export function isGenerated(name: string): boolean {
  return GENERATED_NUMBER.test(name)
}

/** A name without its number, or itself. */
export function kindOfName(name: string): string {
  return name.replace(GENERATED_NUMBER, '#')
}

/** A description, and what is looked up in it. */
export class Described {
  readonly json: TopologyJson
  readonly application: string | null
  readonly stores: ReadonlyMap<string, StoreJson>
  /** Repartition topics, and the partitions that each was asked for; 0: derived. */
  readonly repartitions: ReadonlyMap<string, number>
  readonly #nodes = new Map<string, NodeJson>()
  readonly #writers = new Map<string, string[]>()

  /** @throws MR_UPGRADE_DESCRIPTION */
  constructor(json: TopologyJson, owner: string) {
    check(json, owner)
    this.json = json
    this.application = json.application ?? null
    this.stores = new Map(json.stores.map((store) => [store.name, store]))
    const repartitions = new Map<string, number>()
    for (const node of json.subtopologies.flatMap(({ nodes }) => nodes)) {
      this.#nodes.set(node.name, node)
      if (node.kind !== 'sink' || !node.internal || node.topic === null) continue
      repartitions.set(node.topic, node.partitions ?? 0)
      const writers = this.#writers.get(node.topic)
      if (writers === undefined) this.#writers.set(node.topic, [node.name])
      else writers.push(node.name)
    }
    this.repartitions = repartitions
  }

  get nodes(): readonly NodeJson[] {
    return [...this.#nodes.values()]
  }

  get processors(): readonly ProcessorJson[] {
    return this.nodes.filter((node) => node.kind === 'processor')
  }

  /** Topics that others write and this application reads. */
  get sourceTopics(): readonly string[] {
    return distinct(this.nodes.flatMap((node) => (node.kind === 'source' && !node.internal ? node.topics : [])))
  }

  /** Topics that this application writes and others read. */
  get outputTopics(): readonly string[] {
    return distinct(
      this.nodes.flatMap((node) => (node.kind === 'sink' && !node.internal && node.topic !== null ? [node.topic] : [])),
    )
  }

  usersOf(store: string): readonly ProcessorJson[] {
    return this.processors.filter(({ stores }) => stores.includes(store))
  }

  /** Returns the name on the log; the application id is left open if it is not known. */
  changelogOf(store: StoreJson): string | null {
    if (store.changelog === null) return null
    return store.changelog === 'own' ? changelogTopicName(this.#id, store.name) : store.changelog.topic
  }

  /** As `changelogOf`, for a repartition topic. */
  logName(repartition: string): string {
    return internalTopicName(this.#id, repartition)
  }

  /**
   * Says what a store holds, by the operators that use it and where their records come from: the topics alone, or with
   * every operator on the way.
   */
  originOfStore(name: string, onTheWay: boolean): string {
    const users = this.usersOf(name)
    const kind = this.stores.get(name)?.kind
    return JSON.stringify([kind, users.map(({ operator }) => operator).sort(), this.#origin(users, onTheWay)])
  }

  /** As `originOfStore`, for a repartition topic. */
  originOfRepartition(topic: string, onTheWay: boolean): string {
    const writers = this.#writers.get(topic) ?? []
    return JSON.stringify(
      this.#origin(
        writers.map((name) => this.#nodes.get(name)!),
        onTheWay,
      ),
    )
  }

  #origin(from: readonly NodeJson[], onTheWay: boolean): readonly string[] {
    const seen = new Set<string>()
    const found: string[] = []
    const waiting = [...from]
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      if (seen.has(node.name)) continue
      seen.add(node.name)
      if (node.kind === 'processor' && onTheWay) found.push(node.operator)
      if (node.kind === 'source' && !node.internal) found.push(...node.topics.map((topic) => `topic ${topic}`))
      const above =
        node.kind === 'source' ? node.topics.flatMap((topic) => this.#writers.get(topic) ?? []) : node.parents
      for (const name of above) {
        const next = this.#nodes.get(name)
        if (next !== undefined) waiting.push(next)
      }
    }
    return found.sort()
  }

  get #id(): string {
    return this.application ?? '<application>'
  }
}

function distinct(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted()
}

/** Checks what comparing needs: a description may have been read from a file. */
function check(given: unknown, owner: string): void {
  const { subtopologies, stores } = members(given)
  const isOne =
    Array.isArray(subtopologies) &&
    subtopologies.every((each) => {
      const { id, nodes, copartitionGroups } = members(each)
      return Number.isInteger(id) && Array.isArray(copartitionGroups) && Array.isArray(nodes) && nodes.every(isNode)
    }) &&
    Array.isArray(stores) &&
    stores.every((each) => {
      const { name, kind, keySerde, valueSerde, changelog } = members(each)
      const hasLog = changelog === null || changelog === 'own' || typeof members(changelog)['topic'] === 'string'
      return [name, kind, keySerde, valueSerde].every((text) => typeof text === 'string') && hasLog
    })
  if (isOne) return
  throw new MillraceError('MR_UPGRADE_DESCRIPTION', `${owner} is no description of an application`, {
    hint: 'Give what `millrace describe --json` prints, `describeJson()` returns, or `GET /v1/topology` answers.',
  })
}

function isNode(given: unknown): boolean {
  const { kind, name, topics, operator, stores, parents, topic } = members(given)
  if (typeof name !== 'string') return false
  if (kind === 'source') return Array.isArray(topics)
  if (!Array.isArray(parents)) return false
  return kind === 'sink' ? topic === null || typeof topic === 'string' : typeof operator === 'string' && isList(stores)
}

function isList(given: unknown): boolean {
  return Array.isArray(given)
}

function members(given: unknown): Readonly<Record<string, unknown>> {
  return typeof given === 'object' && given !== null ? (given as Readonly<Record<string, unknown>>) : {}
}
