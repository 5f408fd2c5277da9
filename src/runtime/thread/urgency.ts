/** How a thread ends: `in order`, or `at once`, without waiting for calls that run. It commits either way. */
export type Urgency = 'in order' | 'at once'
