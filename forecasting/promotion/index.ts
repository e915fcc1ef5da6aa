export { GATE_POLICY, judgeChallenger, lookHours, PROBATION_POLICY } from './gate.ts'
export type { GatePolicy, GateReport } from './gate.ts'
export { pairHours } from './pairing.ts'
export type { PairedSample, VerifiedHour } from './pairing.ts'
