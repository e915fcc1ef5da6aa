import { z } from 'zod'
import { DEFAULT_WEATHER_RULES, weatherRuleSchema, type WeatherRule } from './weather-probability.ts'

const weatherRules = z.string().transform((text, context): WeatherRule[] => {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: `not JSON: ${(error as Error).message}` })
    return z.NEVER
  }
  const rules = z.array(weatherRuleSchema).safeParse(parsed)
  if (!rules.success) {
    context.addIssue({ code: 'custom', message: z.prettifyError(rules.error) })
    return z.NEVER
  }
  const names = rules.data.map(({ name }) => name)
  if (new Set(names).size !== names.length) context.addIssue({ code: 'custom', message: 'rule names must differ' })
  return rules.data
})

const hours = (byDefault: number) => z.coerce.number().positive().default(byDefault)

export const rulesBlock = z.object({
  alertSensorBadHours: z.coerce
    .number()
    .int()
    .min(1)
    .default(3)
    .meta({ description: 'Bad hours in a row that make a sensor fault.' }),
  alertSensorGoodHours: z.coerce
    .number()
    .int()
    .min(1)
    .default(6)
    .meta({ description: 'Good hours in a row that end a sensor fault.' }),
  alertStaleAfterHours: hours(6).meta({ description: 'Hours of event time without an observation that make a station stale.' }),
  alertPromotedForHours: hours(6).meta({ description: 'Hours of event time a promotion stays listed as an alert.' }),
  alertRolledBackForHours: hours(24).meta({ description: 'Hours of event time a rollback fires unless a promotion ends it.' }),
  alertFleetWithinSeconds: z.coerce
    .number()
    .positive()
    .default(60)
    .meta({ description: 'Wall seconds replicas have to answer a control event.' }),
  alertLiveWithinHours: hours(3).meta({
    description: 'Observations known later than this after their hour are history and raise nothing.',
  }),
  alertWeatherRules: weatherRules
    .default([...DEFAULT_WEATHER_RULES])
    .meta({ description: 'Weather rules, JSON array (docs/alerting.md).' }),
  alertRunbookBase: z.string().default('docs/runbooks/').meta({ description: 'What runbook links begin with.' }),
})
export type RulesConfig = z.output<typeof rulesBlock>
