export { ArtefactError, deserialiseModel, verifyGoldenVectors } from './artefact.ts'
export { recentredRidge } from './recentred-ridge.ts'
export type { Fitted, FitOptions, FitResult, ModelFamily, ModelScore, Prediction, TrainingSet } from './types.ts'
