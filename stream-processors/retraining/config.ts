/** When models are trained again. Hours are event time. */
import { Cron } from 'croner'
import { z } from 'zod'
import type { canaryBlock } from '../../infra/runtime/config/index.ts'

const hours = (byDefault: number) => z.coerce.number().nonnegative().default(byDefault)

function isSchedule(text: string): boolean {
  if (text === 'never') return true
  try {
    return new Cron(text, { timezone: 'UTC' }).nextRun(new Date(0)) !== null
  } catch {
    return false
  }
}

export const retrainingBlock = z.object({
  retrainSchedule: z
    .string()
    .default('0 4 1 * *')
    .refine(isSchedule, 'use a cron pattern of five fields, UTC, or never')
    .meta({ description: 'When every model is trained again: cron pattern, UTC, or never.', example: '0 4 1 * *' }),
  retrainCatchUp: z.enum(['latest', 'skip']).default('latest').meta({
    description: 'A scheduled time missed by more than 6 h: train once for the latest (latest) or leave it out (skip).',
  }),
  retrainScheduleMinimumAgeHours: hours(14 * 24).meta({
    description: 'A scheduled time is left out for a model trained or changed within this many hours before it.',
  }),
  retrainCooldownHours: hours(48).meta({
    description: 'Hours between two retrainings of a model; doubled with each one that drift has caused in the last 14 days.',
  }),
  retrainMinimumNewHours: hours(24).meta({
    description: 'Hours of new features a model needs before drift or schedule trains it again.',
  }),
  retrainBudgetPerDay: z.coerce.number().int().positive().default(200).meta({
    description: 'Retrainings of all models that drift and schedule may cause in 24 h.',
  }),
  retrainMaxTrials: z.coerce.number().int().positive().default(4).meta({
    description:
      'Models that may be in training or trial when the schedule asks for another: each trial is forecast and scored twice.',
  }),
  retrainMaxInFlight: z.coerce.number().int().positive().default(6).meta({
    description: 'Requests that drift and schedule may have waiting at training; the others queue by expected gain.',
  }),
})
export type RetrainingConfig = z.output<typeof retrainingBlock> & z.output<typeof canaryBlock>
