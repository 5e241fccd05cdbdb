export { fipsInForce, requireFips } from './fips.ts'
export { createKeyFile } from './key-file.ts'
export { type KeySource, readMasterKey } from './key-source.ts'
