export { parseByteSize } from './byte-size.ts'
export type { ByteSize } from './byte-size.ts'
export { parseDuration } from './duration.ts'
export type { Duration } from './duration.ts'
export {
  byteSize,
  decision,
  duration,
  flag,
  awaitedFunc,
  func,
  having,
  INT32_MAX,
  nested,
  oneOf,
  option,
  readTopicConfigs,
  text,
  topicConfigs,
  wholeNumber,
} from './kinds.ts'
export type { AnyFunction } from './kinds.ts'
export { readListenAddress } from './listen-address.ts'
export type { ListenAddress } from './listen-address.ts'
export { nearestName, nearestOf } from './nearest-name.ts'
export { Place } from './option.ts'
export type { About, AlwaysSet, Option, OptionTable, TableOf } from './option.ts'
export { checkOptionNames, readMembers, readOptions } from './read-options.ts'
export type { Values } from './read-options.ts'
