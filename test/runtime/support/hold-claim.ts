import { claimDirectory } from '../../../src/runtime/identity.ts'
import { rocksdbEngine } from '../../../src/state/engines/rocksdb.ts'
import { silentLogger } from '../../../src/topology/application.ts'

/** Holds the claim of the directory that it is given until it is killed. */
await claimDirectory(rocksdbEngine, process.argv[2] ?? '', silentLogger)
process.stdout.write('held\n')
setInterval(() => {}, 60_000)
