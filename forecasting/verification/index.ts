export { brierScore, brierSkillScore, decomposeBrier, reliabilityBins } from './brier.ts'

export { addScore, bucketOf, createBucketScores, emptySums, meanScores, skillScore } from './buckets.ts'
export type { BucketScore, ScoredLead, ScoreSums } from './buckets.ts'
export { pitHistogram, sharpness } from './calibration.ts'

export { commonSupport } from './common-support.ts'

export { createRng, dieboldMariano, pairedBlockBootstrap } from './paired.ts'
export type { PairedDifference, Rng } from './paired.ts'
export { claimedScale, crpsFromQuantiles, verifyLead } from './scores.ts'
