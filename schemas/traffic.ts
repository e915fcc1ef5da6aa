/** Which service sends to and receives from which topic. tests/deployment/traffic.unit.test.ts holds it against the code. */
import { TOPIC_NAMES, type TopicName } from './topics.ts'

export type Traffic = { readonly sends: readonly TopicName[]; readonly receives: readonly TopicName[] }

const PROVIDER: Traffic = { sends: ['weather.station.v1', 'weather.observation.v1'], receives: [] }

/** Names as in `isobar run`. Dead letters are sent by whoever processes a topic and are not listed. */
export const TRAFFIC = {
  // The replay waits until the first models are served before it paces.
  replay: { ...PROVIDER, receives: ['model.control.v1', 'model.status.v1'] },
  'open-meteo': PROVIDER,
  metar: PROVIDER,
  meteostat: PROVIDER,
  'quality-control': { sends: ['weather.observation-checked.v1'], receives: ['weather.observation.v1'] },
  features: { sends: ['weather.feature.v1'], receives: ['weather.observation-checked.v1'] },
  verification: {
    sends: ['weather.verification.v1', 'model.adaptation.v1'],
    receives: ['weather.forecast.v1', 'weather.observation-checked.v1', 'model.adaptation.v1'],
  },
  drift: {
    sends: ['model.drift.v1'],
    receives: ['weather.station.v1', 'weather.observation-checked.v1', 'weather.verification.v1'],
  },
  retraining: {
    sends: ['model.retrain-request.v1', 'audit.v1'],
    receives: [
      'weather.observation-checked.v1',
      'model.drift.v1',
      'model.retrain-request.v1',
      'model.lifecycle.v1',
      'model.control.v1',
      'audit.v1',
    ],
  },
  training: {
    sends: ['model.retrain-request.v1', 'model.lifecycle.v1'],
    receives: ['weather.station.v1', 'weather.feature.v1', 'model.retrain-request.v1', 'model.lifecycle.v1', 'model.control.v1'],
  },
  promotion: {
    sends: ['model.lifecycle.v1', 'model.control.v1', 'audit.v1'],
    receives: ['weather.verification.v1', 'model.lifecycle.v1', 'model.control.v1', 'audit.v1'],
  },
  inference: {
    sends: ['weather.forecast.v1', 'model.status.v1'],
    receives: ['weather.feature.v1', 'model.control.v1', 'model.adaptation.v1'],
  },
  'alert-rules': {
    sends: ['alert.v1'],
    receives: [
      'weather.station.v1',
      'weather.observation-checked.v1',
      'weather.forecast.v1',
      'model.drift.v1',
      'model.lifecycle.v1',
      'model.control.v1',
      'model.status.v1',
    ],
  },
  'alert-policy': { sends: ['alert.delivery.v1'], receives: ['weather.observation-checked.v1', 'alert.v1'] },
  'alert-transports': { sends: ['alert.delivery.v1'], receives: [] },
  archive: {
    sends: [],
    // Features keep their own tables; what an adaptation did is in the forecasts.
    receives: TOPIC_NAMES.filter(
      (topic) => topic !== 'weather.observation.v1' && topic !== 'weather.feature.v1' && topic !== 'model.adaptation.v1',
    ),
  },
  mlflow: { sends: [], receives: ['model.lifecycle.v1', 'model.control.v1'] },
  api: {
    sends: ['weather.station.v1', 'weather.observation.v1', 'weather.feature.v1', 'alert.v1', 'audit.v1'],
    receives: TOPIC_NAMES,
  },
} satisfies Record<string, Traffic>
