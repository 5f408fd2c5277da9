import '../platform/require-node.ts'
export { metering } from './metering.ts'
