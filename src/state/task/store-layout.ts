import type { StoreSpec } from '../../topology/store-spec.ts'

/**
 * Returns what the form of a store's rows depends on. Rows of another layout cannot be read: the store is emptied and
 * restored from its changelog.
 */
export function layoutOf(spec: StoreSpec): string {
  switch (spec.kind) {
    case 'keyValue':
      return `keyValue ${spec.timestamped ? 'timestamped' : 'plain'}`
    case 'versioned':
      return `versioned ${spec.historyRetention}`
    case 'window': {
      const rows = spec.timestamped ? 'timestamped' : 'plain'
      return `window ${rows} ${spec.retention} ${spec.timeOrdered ? 'by time' : 'by key'}`
    }
    case 'period':
      return `period ${spec.retention} ${spec.timeOrdered ? 'by time' : 'by key'}`
    case 'session':
      return `session ${spec.retention} ${spec.timeOrdered ? 'by time' : 'by key'}`
    default:
      return spec.kind
  }
}
