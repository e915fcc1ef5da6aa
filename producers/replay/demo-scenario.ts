/** The declared alterations of the demonstration on the bundled observations (docs/demo.md). */
import type { ScenarioJson } from './scenario.ts'

export const demoScenario: ScenarioJson = {
  backfillUntil: '2013-07-01T00:00:00Z',
  // Two weeks of verified forecasts until the errors of one model are enough to call it drifted, another until its successor has proved
  // better: nobody wants to sit through them.
  fastForwardUntil: '2013-07-26T00:00:00Z',
  changes: [
    // A new thermometer type everywhere, 2.5 °C warmer: the models must be retrained.
    { kind: 'instrument-change', at: '2013-07-02T06:00:00Z', offsetC: 2.5 },
    // One broken thermometer: an alert, and no retraining.
    { kind: 'stuck-sensor', stationId: 'lga', from: '2013-07-09T00:00:00Z', hours: 24 },
  ],
}
