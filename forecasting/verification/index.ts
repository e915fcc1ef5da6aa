export { brierScore, brierSkillScore, decomposeBrier, reliabilityBins } from './brier.ts'

export { bucketOf, createBucketScores, skillScore } from './buckets.ts'
export type { BucketScore } from './buckets.ts'
export { pitHistogram, sharpness } from './calibration.ts'

export { commonSupport } from './common-support.ts'

export { createRng, dieboldMariano, pairedBlockBootstrap } from './paired.ts'
export type { PairedDifference, Rng } from './paired.ts'
export { claimedScale, crpsFromQuantiles, verifyLead } from './scores.ts'
