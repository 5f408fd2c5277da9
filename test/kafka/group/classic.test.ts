import { describe } from 'vitest'
import { sharedBroker } from '../broker/index.ts'
import { groupSuite } from '../group-suite.ts'

describe('the classic group protocol', () => {
  groupSuite('classic', sharedBroker)
})
