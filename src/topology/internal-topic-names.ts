/** The topic of a repartition or foreign-key join on the log. */
export function internalTopicName(applicationId: string, name: string): string {
  return `${applicationId}-${name}`
}

/** The topic of a store's own changelog on the log. */
export function changelogTopicName(applicationId: string, store: string): string {
  return `${applicationId}-${store}-changelog`
}
