/** While a source alert fires, target alerts with the same labels are not told: the cause is known already. */
import type { SilenceMatcher } from '../../schemas/silence.ts'
import { isMatching, labelValue, type Labelled } from './matchers.ts'

export type InhibitionRule = {
  readonly name: string
  readonly source: readonly SilenceMatcher[]
  readonly target: readonly SilenceMatcher[]
  /** Labels that must be equal in both. */
  readonly equal: readonly string[]
}

export const DEFAULT_INHIBITIONS: readonly InhibitionRule[] = [
  {
    name: 'a silent station has no drift',
    source: [{ label: 'rule', op: '=', value: 'station-stale' }],
    target: [{ label: 'rule', op: '=', value: 'drift-confirmed' }],
    equal: ['station'],
  },
  {
    name: 'forecasts made beside a faulty sensor raise no weather alerts',
    source: [{ label: 'rule', op: '=', value: 'sensor-fault' }],
    target: [{ label: 'kind', op: '=', value: 'weather' }],
    equal: ['station'],
  },
  {
    name: 'a refused artefact explains a late fleet',
    source: [{ label: 'rule', op: '=', value: 'artifact-rejected' }],
    target: [{ label: 'rule', op: '=', value: 'fleet-unconverged' }],
    equal: ['station', 'variable'],
  },
]

/** The rule that keeps `alert` quiet, given everything that fires. An alert never inhibits itself. */
export function inhibitedBy(
  alert: Labelled & { readonly alertId: string },
  firing: ReadonlyArray<Labelled & { readonly alertId: string }>,
  rules: readonly InhibitionRule[] = DEFAULT_INHIBITIONS,
): InhibitionRule | undefined {
  return rules.find(
    (rule) =>
      rule.target.every((matcher) => isMatching(matcher, alert)) &&
      firing.some(
        (source) =>
          source.alertId !== alert.alertId &&
          rule.source.every((matcher) => isMatching(matcher, source)) &&
          rule.equal.every((label) => labelValue(source, label) === labelValue(alert, label)),
      ),
  )
}
