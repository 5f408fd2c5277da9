/** Of a process that was asked to stop and could not make its last commit: what it left is processed by others. */
export const UNCOMMITTED = 75
