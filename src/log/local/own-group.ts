/**
 * The group under which a log that processes share keeps the number of each producer's last batch, in the commit of
 * that batch: whoever holds the log after a death knows whether a batch whose answer was lost is in it. A producer
 * stands in place of a topic. Tools do not see the group.
 */
export const PRODUCERS = '__millrace_producers'
