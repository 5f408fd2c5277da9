import { claimDirectory } from '../../../src/runtime/state-directory/identity.ts'
import { rocksdbEngine } from '../../../src/engine/rocksdb/rocksdb.ts'
import { silentLogger } from '../../../src/application/application.ts'

/** Holds the claim of the given directory until the process is killed. */
await claimDirectory(rocksdbEngine, process.argv[2] ?? '', silentLogger)
process.stdout.write('held\n')
setInterval(() => {}, 60_000)
