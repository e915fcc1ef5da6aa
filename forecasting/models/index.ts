export { deserialiseModel, verifyGoldenVectors } from './artefact.ts'
export { ArtefactError } from './container.ts'
export { randomFeatureRidge } from './random-feature-ridge.ts'
export type { Fitted, FitOptions, FitResult, ModelFamily, ModelScore, Prediction, TrainingSet } from './types.ts'
