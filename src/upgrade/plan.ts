/** What a change is about. */
export type UpgradeSubject =
  | 'application'
  | 'store'
  | 'repartition topic'
  | 'sub-topology'
  | 'operator'
  | 'source topic'
  | 'output topic'

/** One thing that an application has, before and after an upgrade. */
export interface UpgradeChange {
  readonly subject: UpgradeSubject
  /**
   * `renumbered`: the number in a generated name has moved, or that of a sub-topology, which its tasks are named after.
   * `renamed`: what does the same has another name. `changed`: the name is the same, and something else is not.
   */
  readonly change: 'kept' | 'added' | 'lost' | 'renumbered' | 'renamed' | 'changed'
  /** Its name in the old version; null: added. */
  readonly before: string | null
  /** Its name in the new version; null: lost. */
  readonly after: string | null
  /** The internal topic that holds what it had in the old version, as the log names it; null if there is none. */
  readonly topic: string | null
  /** True: what the old version keeps is left behind, or the new one cannot read it or takes it for something else. */
  readonly losesState: boolean
  /** What it means. Empty for what is kept. */
  readonly text: string
  /** What to do about it. */
  readonly hint: string | null
}

/** What an upgrade of an application keeps, loses, renumbers and changes. */
export interface UpgradePlan {
  /** The ids of the application; null: a description does not have it. */
  readonly application: { readonly before: string | null; readonly after: string | null }
  /** True if one of the changes loses state. */
  readonly losesState: boolean
  /**
   * True: instances of both versions can share the work, and one can be replaced after the other. False: those of the
   * new version wait until the last one of the old version has stopped (`MR_TOPOLOGY_CHANGED`).
   */
  readonly sideBySide: boolean
  readonly changes: readonly UpgradeChange[]
}

/** The name of a thing before and after, and what to say of it. */
export type Finding = Partial<UpgradeChange> & Pick<UpgradeChange, 'subject' | 'change'>

export function changeOf(finding: Finding): UpgradeChange {
  return { before: null, after: null, topic: null, losesState: false, text: '', hint: null, ...finding }
}
