/** The exit code of a process that was asked to stop and could not make its last commit: others process the rest. */
export const UNCOMMITTED = 75
