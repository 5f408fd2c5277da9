import { isGenerated, type Described } from './described.ts'
import { matchNames } from './match-names.ts'
import { changeOf, type UpgradeChange, type UpgradeSubject } from './plan.ts'

const SUFFIX = /-repartition$/

/** Finds the repartition topics that a new version keeps, loses, renumbers and changes. */
export function compareRepartitions(old: Described, now: Described): UpgradeChange[] {
  const pairs = matchNames(
    { names: old.repartitions.keys(), originOf: (name, onTheWay) => old.originOfRepartition(name, onTheWay) },
    { names: now.repartitions.keys(), originOf: (name, onTheWay) => now.originOfRepartition(name, onTheWay) },
  )
  return pairs.map(([before, after]) => {
    if (before === null) {
      return changeOf({ subject: 'repartition topic', change: 'added', after, text: 'it begins empty' })
    }
    const topic = old.logName(before)
    if (before === after) return compared(before, topic, old.repartitions.get(before)!, now.repartitions.get(before)!)
    const left = `records that are in ${topic} and not processed yet are never read`
    const common = { subject: 'repartition topic', before, topic, losesState: true } as const
    if (after === null) {
      const hint = 'Stop what writes the source topics, let the old version read to the end, and then upgrade.'
      return changeOf({ ...common, change: 'lost', text: left, hint })
    }
    return changeOf({
      ...common,
      change: isGenerated(before) && isGenerated(after) ? 'renumbered' : 'renamed',
      after,
      text: `it is called ${after} now: ${left}`,
      hint: `Name the operator that groups, joins or repartitions as it was: name: '${before.replace(SUFFIX, '')}'.`,
    })
  })
}

function compared(name: string, topic: string, was: number, is: number): UpgradeChange {
  const common = { subject: 'repartition topic', before: name, after: name, topic } as const
  if (was === is) return changeOf({ ...common, change: 'kept' })
  const number = (partitions: number): string => (partitions === 0 ? 'as many as other topics' : String(partitions))
  return changeOf({
    ...common,
    change: 'changed',
    losesState: true,
    text:
      `it was asked for with ${number(was)} partitions and is with ${number(is)}: the topic and the changelogs ` +
      'behind it stay as they are, and with other partitions keys would be in other tasks than their rows',
    hint: 'Keep the number, or give the operator and the stores behind it other names.',
  })
}

/** Finds the topics that the application reads or writes together with others. */
export function compareOuterTopics(old: Described, now: Described): UpgradeChange[] {
  return [
    ...compareNames('source topic', old.sourceTopics, now.sourceTopics, {
      added: 'it is read from where `offsetReset` says, unless the group has offsets of it',
      lost: 'it is not read any more; its offsets stay in the group until they expire',
    }),
    ...compareNames('output topic', old.outputTopics, now.outputTopics, {
      added: 'it is written from now on',
      lost: 'it is not written any more; what it holds stays',
    }),
  ]
}

function compareNames(
  subject: UpgradeSubject,
  old: readonly string[],
  now: readonly string[],
  texts: { readonly added: string; readonly lost: string },
): UpgradeChange[] {
  return [
    ...old.map((name) =>
      now.includes(name)
        ? changeOf({ subject, change: 'kept', before: name, after: name })
        : changeOf({ subject, change: 'lost', before: name, text: texts.lost }),
    ),
    ...now
      .filter((name) => !old.includes(name))
      .map((name) => changeOf({ subject, change: 'added', after: name, text: texts.added })),
  ]
}
