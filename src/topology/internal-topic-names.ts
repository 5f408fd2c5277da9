/** Returns the name on the log of the topic of a repartition or foreign-key join. */
export function internalTopicName(applicationId: string, name: string): string {
  return `${applicationId}-${name}`
}

/** Returns the name on the log of a store's own changelog. */
export function changelogTopicName(applicationId: string, store: string): string {
  return `${applicationId}-${store}-changelog`
}

const INTERNAL = /-(changelog|repartition)$|-KTABLE-FK-JOIN-SUBSCRIPTION-(REGISTRATION|RESPONSE)-\d+-topic$/

/** True for a name as internal topics of applications have it, whichever application that is. */
export function hasInternalName(topic: string): boolean {
  return INTERNAL.test(topic)
}
