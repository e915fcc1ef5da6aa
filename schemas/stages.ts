/** The stages of the river in the order of the flow: which consumer group each is, and what it reads. */
import type { TopicName } from './topics.ts'

export type StageSpec = { readonly name: string; readonly groupId: string; readonly topics: readonly TopicName[] }

/** `ingest` has no group: it is what arrives. */
export const STAGES: readonly StageSpec[] = [
  { name: 'quality-control', groupId: 'isobar-quality-control', topics: ['weather.observation.v1'] },
  { name: 'features', groupId: 'isobar-features', topics: ['weather.observation-checked.v1'] },
  { name: 'inference', groupId: 'isobar-inference', topics: ['weather.feature.v1'] },
  { name: 'verification', groupId: 'isobar-verification', topics: ['weather.observation-checked.v1'] },
  { name: 'drift', groupId: 'isobar-drift', topics: ['weather.verification.v1'] },
  {
    name: 'archive',
    groupId: 'isobar-archive',
    topics: ['weather.observation-checked.v1', 'weather.forecast.v1', 'weather.verification.v1'],
  },
  { name: 'alerting', groupId: 'isobar-alert-rules', topics: ['weather.observation-checked.v1', 'weather.forecast.v1'] },
]

/** Beside the river: a request is committed once its run is registered. */
export const TRAINING_STAGE: StageSpec = { name: 'training', groupId: 'isobar-training', topics: ['model.retrain-request.v1'] }

/** Events that one hour of the network brings to a topic, about: one a station, or one a model. */
export function eventsPerHour(topic: TopicName, { stations, models }: { stations: number; models: number }): number {
  return topic === 'weather.forecast.v1' || topic === 'weather.verification.v1' ? models : stations
}
