export { GATE_POLICY, judgeChallenger, lookHours, PROBATION_POLICY } from './gate.ts'
export type { BucketReport, GatePolicy, GateReport } from './gate.ts'
export { BUCKETS, emptyHour, pairHours } from './pairing.ts'
export type { Bucket, PairedHour, PairedSample, PairingOptions, VerifiedHour } from './pairing.ts'
