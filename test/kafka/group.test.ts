import { describe } from 'vitest'
import { sharedBroker } from './broker/index.ts'
import { groupSuite } from './group-suite.ts'

describe('the streams group protocol', () => {
  groupSuite('streams', sharedBroker)
})
