export { crpsFromQuantiles, pinball, verifyLead } from './scores.ts'
export type { LeadScore } from './scores.ts'
export { aggregateByBucket, bucketOf, createRng, pairedBlockBootstrap, skillScore } from './aggregate.ts'
export type { PairedDifference, Rng, ScoredRow } from './aggregate.ts'
