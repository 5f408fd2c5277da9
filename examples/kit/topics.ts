import type { Log } from 'millrace'

/** Number of partitions of every topic of an example. */
export const PARTITIONS = 4

/**
 * Creates an example's topics where they do not exist. The events' time is made up, so that they must not be deleted by
 * their age.
 */
export async function createTopics(
  log: Log,
  streams: readonly { readonly name: string }[],
  tables: readonly { readonly name: string }[],
): Promise<void> {
  await log.createTopics([
    ...streams.map(({ name }) => ({ name, partitions: PARTITIONS, configs: { 'retention.ms': '-1' } })),
    ...tables.map(({ name }) => ({ name, partitions: PARTITIONS, configs: { 'cleanup.policy': 'compact' } })),
  ])
}
