export { adapt, NO_ADAPTATION, withAdaptation, withoutAdaptation } from './adaptive.ts'
export type { Adaptation } from './adaptive.ts'
export { adaptationFor, blockOf, completeUntil, foldBlock, isAdapted, isUnstretched, recordOf } from './adaptation-record.ts'
export type { AdaptationRecord, VerifiedPart } from './adaptation-record.ts'
export { analogEnsemble } from './analogs.ts'
export { BASELINES } from './baselines.ts'
export { hourOfDay } from './climatology.ts'
export { checkGoldenVectors, deserialiseFamily, deserialiseModel } from './artefact.ts'
export { isSilent, predictLate, silentHours } from './late.ts'
export { learnWeights } from './combination.ts'
export type { GroupWeights, Verified } from './combination.ts'
export { ArtefactError } from './container.ts'
export { createIssuer } from './issuer.ts'
export { agree } from './joint.ts'
export type { HumidityForecasts } from './joint.ts'
export { linearRidge, randomFeatureRidge, SEED } from './random-feature-ridge.ts'
export { provisionalName, provisionalReason, SITE_PRIOR } from './provisional.ts'
export { FAMILIES } from './families.ts'
export { normalQuantiles } from './sarimax/family.ts'
export { startRolling } from './rolling-fit.ts'
export { knownAt, trainingSetOf } from './training-set.ts'
export { OWN } from './station-climate.ts'
export type {
  Family,
  FamilyFitted,
  Fitted,
  FitResult,
  LeftOut,
  ModelFamily,
  ModelScore,
  Prediction,
  Site,
  TrainingSet,
} from './types.ts'
