import { oneOf, type Option } from './options.ts'
import type { FileMode } from '../platform/file-mode.ts'

/** The option for the users who may read new files. */
export const fileModeOption: Option<FileMode> = oneOf<FileMode>(['owner', 'group'], {
  default: 'owner',
  description:
    "who may read the directories and files that are made: `'owner'` as with umask 077, `'group'` as with 027",
})
